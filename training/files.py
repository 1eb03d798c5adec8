"""Writes files of a training run atomically; a full disk is a TrainingError."""

from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO

from bearwatch.core.files import atomic_write
from training.errors import TrainingError


def write_file(path: Path, content: bytes | Callable[[BinaryIO], object]) -> None:
    """Write `content`, or what a function writes, in one step; if that fails, the former file stays as it is.

    Raises:
        TrainingError: naming the file and the reason.
    """
    try:
        atomic_write(path, content)
    except (OSError, RuntimeError) as error:  # torch.save raises RuntimeError on a full disk
        raise TrainingError(f"{path}: cannot be written: {error}") from error
