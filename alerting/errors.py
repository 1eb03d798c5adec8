"""What can go wrong with a policy, and on the way of alerts to people."""

from bearwatch.core.errors import BearwatchError, WrongUse


class PolicyError(WrongUse):
    """A policy file is wrong; the message names the key, the reason and the nearest known key."""


class AlertingError(BearwatchError):
    """Alertmanager, a file or an address refuses, or there is no such alert; says what, where and what follows."""
