"""What can go wrong between labelled text and an exported model."""

from bearwatch.core.errors import BearwatchError, WrongUse


class TrainingError(BearwatchError):
    """Data, a checkpoint or an export is unusable; the message says which and why."""


class TrainingConfigError(TrainingError, WrongUse):
    """A training configuration is wrong; the message names the key and the nearest known one."""
