"""The base of every error whose message is meant for a user."""


class BearwatchError(Exception):
    """Something failed; the message says what, where and what to do. A command prints it and ends with `exit_code`."""

    exit_code = 1


class WrongUse(BearwatchError):
    """A setting, a policy or a configuration is wrong; the message names the key and the nearest known one."""

    exit_code = 2
