"""Errors of policies and of notifications."""

from bearwatch.core.errors import BearwatchError, WrongUse


class PolicyError(WrongUse):
    """A policy file is wrong; the message names the key, the reason and the nearest known key."""


class AlertingError(BearwatchError):
    """Alertmanager, a file or an address cannot be used, or there is no such alert; the message says what to do."""


class AlertmanagerSettingsError(WrongUse):
    """Alertmanager's address or authentication is set wrongly; the message names the setting."""
