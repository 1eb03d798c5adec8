"""Inputs of faults as files, which can be replayed: the name of a file begins with its target's."""

import hashlib
from collections.abc import Sequence
from pathlib import Path

from runner import Fault
from targets import BY_NAME


def save(fault: Fault, seed: int, folder: Path) -> Path:
    """Write the input, and next to it what was raised; returns the input's file."""
    folder.mkdir(exist_ok=True)
    path = folder / f"{fault.target}-{hashlib.sha256(fault.given).hexdigest()[:8]}.bin"
    path.write_bytes(fault.given)
    path.with_suffix(".txt").write_text(f"seed {seed}, input {fault.number}\n{fault.error}\n\n{fault.trace}")
    return path


def replay(paths: Sequence[Path]) -> None:
    """Check saved inputs again; what they raise is raised as it is.

    Raises:
        LookupError: a file is not named after a target.
    """
    for path in paths:
        name = path.name.rpartition("-")[0]
        if name not in BY_NAME:
            raise LookupError(f"{path}: there is no target {name!r}; known are {', '.join(BY_NAME)}")
        accepted = BY_NAME[name].check(path.read_bytes())
        print(f"{path}: {'accepted' if accepted else 'rejected as documented'}")
