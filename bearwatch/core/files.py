"""Files that are there as a whole or not at all, whenever a kill or a power cut comes."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO

from training.errors import TrainingError


def write_whole(path: Path, write: Callable[[BinaryIO], object]) -> None:
    """What `write` puts into the file it is given: aside, on the disk, and only then under the name `path`.

    Raises TrainingError; what stood there before still does, unless only the folder could not be synced.
    """
    unfinished = path.with_name(f"{path.name}.unfinished")
    try:
        with unfinished.open("wb") as file:
            write(file)
            file.flush()
            os.fsync(file.fileno())
        unfinished.replace(path)
        sync(path.parent)
    except (OSError, RuntimeError) as error:  # torch.save says RuntimeError on a full disk
        raise TrainingError(f"{path}: cannot be written: {error}") from error


def sync(path: Path) -> None:
    """Wait until a file, or the names in a folder, are on the disk. Raises OSError."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
