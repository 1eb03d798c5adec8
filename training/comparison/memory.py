"""The peak memory of this process."""

import resource
import sys


def peak_memory_bytes() -> int:
    """The largest resident size, in bytes, since the process started."""
    unit = 1 if sys.platform == "darwin" else 1024  # macOS counts bytes, Linux kB
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit
