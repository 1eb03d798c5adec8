"""What can go wrong with the settings."""


class SettingsError(Exception):
    """A setting is wrong; the message names the key and the nearest known one."""
