"""What can go wrong in the stream, said so that a user can act on it."""

from bearwatch.core.errors import BearwatchError


class StreamError(BearwatchError):
    """Kafka, a port or a file refuses; the message says what, where and what follows."""
