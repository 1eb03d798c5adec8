"""What can go wrong with a policy, and on the way of alerts to people."""


class PolicyError(Exception):
    """A policy file is wrong; the message names the key, the reason and the nearest known key."""


class AlertingError(Exception):
    """Alertmanager, a file or an address refuses, or there is no such alert; says what, where and what follows."""
