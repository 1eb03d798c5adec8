"""The errors of training, evaluation, export and comparison."""

from bearwatch.core.errors import BearwatchError, WrongUse


class TrainingError(BearwatchError):
    """Data, a checkpoint or an export cannot be used; the message says which one and why."""


class TrainingConfigError(TrainingError, WrongUse):
    """A training configuration is wrong; the message names the key and the nearest known one."""
