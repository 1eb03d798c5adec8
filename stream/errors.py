"""Errors of the stream; each message is meant for a user, who can act on it."""

from bearwatch.core.errors import BearwatchError, WrongUse


class StreamError(BearwatchError):
    """Kafka, a port or a file cannot be used; the message says what, where and what follows."""


class KafkaSettingsError(WrongUse):
    """How to reach Kafka is set wrongly: an address, a protocol, a file; the message names the setting."""


class WatchListError(WrongUse):
    """A watch list cannot be used; the message names the file, the row and what to do."""
