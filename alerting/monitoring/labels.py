"""Values of labels, as Prometheus writes them."""


def window_label(seconds: int) -> str:
    """A duration in seconds as Prometheus writes it: 15m, 1h, 90s."""
    for unit, size in (("d", 86400), ("h", 3600), ("m", 60)):
        if seconds % size == 0:
            return f"{seconds // size}{unit}"
    return f"{seconds}s"
