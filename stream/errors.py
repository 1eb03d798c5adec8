"""What can go wrong in the stream, said so that a user can act on it."""

from bearwatch.core.errors import BearwatchError, WrongUse


class StreamError(BearwatchError):
    """Kafka, a port or a file refuses; the message says what, where and what follows."""


class KafkaSettingsError(WrongUse):
    """How to reach Kafka is set wrongly: an address, a protocol, a file; the message names the setting."""
