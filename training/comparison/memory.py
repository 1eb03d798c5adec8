"""How much memory this process has needed at most."""

import resource
import sys


def peak_memory_bytes() -> int:
    """Resident, since the process began."""
    unit = 1 if sys.platform == "darwin" else 1024  # the one system that counts bytes
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit
