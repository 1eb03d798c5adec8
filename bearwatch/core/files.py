"""Files that are there as a whole or not at all, whenever a kill or a power cut comes; files read up to a limit."""

import errno
import os
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO


def atomic_write(path: Path, content: bytes | Callable[[BinaryIO], object]) -> None:
    """Write a file next to `path`, wait until it is on the disk, and only then give it the name `path`.

    Args:
        path: the file to write; its folder exists.
        content: the bytes, or a function that writes them into the open file it is given.

    Raises:
        OSError: the former file is still there, unless only the folder could not be synced.
    """
    unfinished = path.with_name(f"{path.name}.unfinished")
    with unfinished.open("wb") as file:
        if callable(content):
            content(file)
        else:
            file.write(content)
        file.flush()
        os.fsync(file.fileno())
    unfinished.replace(path)
    sync(path.parent)


def read_limited(path: Path, limit_bytes: int) -> bytes:
    """The content of a file; of a longer one, of a device or a pipe without end, only `limit_bytes` and one are read.

    Raises:
        OSError: it cannot be read, or holds more than `limit_bytes`.
    """
    with path.open("rb") as file:
        content = file.read(limit_bytes + 1)
    if len(content) > limit_bytes:
        raise OSError(errno.EFBIG, f"it is longer than {limit_bytes:,} bytes", str(path))
    return content


def sync(path: Path) -> None:
    """Wait until a file, or the names in a folder, are on the disk. Raises OSError."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
