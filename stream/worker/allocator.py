"""Memory of large batches goes back to the system as soon as it is freed.

glibc raises its limit for that with every large piece that is freed, up to 32 MiB, and keeps what is smaller in a heap
for each thread: a worker that decompressed batches of 16 MiB kept 130 MiB more than it used, and more after each hour.
"""

import ctypes

M_MMAP_THRESHOLD = -3  # <malloc.h>
LARGE_BYTES = 4 * 2**20  # more than any batch of documents of the usual size, less than what fills a heap


def return_large_memory() -> None:
    """Fix the limit for this process; without effect where the C library is not glibc."""
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        mallopt(M_MMAP_THRESHOLD, LARGE_BYTES)
