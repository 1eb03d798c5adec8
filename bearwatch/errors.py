"""What can go wrong with the settings."""

from bearwatch.core.errors import WrongUse


class SettingsError(WrongUse):
    """A setting is wrong; the message names the key and the nearest known one."""
