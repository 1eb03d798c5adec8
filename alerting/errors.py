"""What can go wrong with a policy."""


class PolicyError(Exception):
    """A policy file is wrong; the message names the key, the reason and the nearest known key."""
