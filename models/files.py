"""Reads the files of an artifact: regular files of bounded size, and what was hashed is what is loaded."""

import hashlib
import os
import stat
from collections.abc import Mapping
from pathlib import Path

from models.errors import ModelError

MANIFEST, MODEL, TOKENIZER = "manifest.json", "model.onnx", "tokenizer.json"
REMEDY = "fetch the artifact again, or write it with `bearwatch export`"

# A protobuf message is below 2 GiB. The largest tokenizer.json in use have 260,000 words and are of 35 MB.
MAX_BYTES = {MANIFEST: 4 << 20, MODEL: (2 << 30) - 1, TOKENIZER: 128 << 20}


def read_file(folder: Path, name: str) -> bytes:
    """The content of a file of the artifact. Raises ModelError, also for a pipe or a device, which may never end."""
    path = folder / name
    try:
        handle = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        with os.fdopen(handle, "rb") as file:
            found = os.fstat(file.fileno())
            if not stat.S_ISREG(found.st_mode):
                raise ModelError(f"{path}: not a regular file; {REMEDY}")
            content = file.read(MAX_BYTES[name] + 1) if found.st_size <= MAX_BYTES[name] else b""
    except OSError as error:
        what = "there is no model here" if name == MANIFEST else "cannot be read"
        raise ModelError(f"{path}: {what} ({error.strerror}); {REMEDY}") from error
    if max(found.st_size, len(content)) > MAX_BYTES[name]:
        raise ModelError(f"{path}: larger than {MAX_BYTES[name]:,} bytes, the most that is read; {REMEDY}")
    return content


def read_verified(folder: Path, name: str, files: Mapping[str, str]) -> bytes:
    """The content of a file whose sha256 is the one in `files` (`Manifest.files`). Raises ModelError."""
    content = read_file(folder, name)
    actual = hashlib.sha256(content).hexdigest()
    if actual != files[name]:
        raise ModelError(
            f"{folder / name}: damaged or of another model: its sha256 is {actual[:12]}…, "
            f"the manifest says {files[name][:12]}…; {REMEDY}"
        )
    return content
