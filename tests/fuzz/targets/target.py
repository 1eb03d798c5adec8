"""What a target is, and the folder in which targets that read files write their inputs."""

import atexit
import functools
import random
import shutil
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec


@dataclass(frozen=True)
class Target:
    """One parser, or several that read the same kind of input.

    `make` gives an input; the same generator gives the same one. `check` takes it and says whether the parser accepted
    it. Whatever `check` raises is a fault: it lets through none but the parser's documented errors, and asserts what
    holds for everything that is accepted.
    """

    name: str
    # Modules, classes and functions: `--coverage` says how many of their lines are reached.
    parsers: tuple[Any, ...]
    make: Callable[[random.Random], bytes]
    check: Callable[[bytes], bool]
    inputs: int  # of a full run


def pack(*parts: Any) -> bytes:
    """An input of several parts as one."""
    return msgspec.msgpack.encode(parts)


def unpack(given: bytes) -> list[Any]:
    parts: list[Any] = msgspec.msgpack.decode(given)
    return parts


@functools.cache
def scratch() -> Path:
    """A folder of this process, in memory where the system has such a place; removed at its end."""
    memory = Path("/dev/shm")  # noqa: S108
    folder = Path(tempfile.mkdtemp(prefix="bearwatch-fuzz-", dir=memory if memory.is_dir() else None))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return folder


def written(name: str, content: bytes) -> Path:
    """A file with this content, in place of the one before."""
    path = scratch() / name
    path.write_bytes(content)
    return path
