"""What can go wrong in the stream, said so that a user can act on it."""


class StreamError(Exception):
    """Kafka, a port or a file refuses; the message says what, where and what follows."""
