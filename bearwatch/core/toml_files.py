"""Reads a TOML file that a person wrote: settings, a policy, a training configuration."""

import tomllib
from pathlib import Path
from typing import Any

from bearwatch.core.files import read_limited

TOML_BYTES = 2**20  # the longest that we ship has 8 kB


def read_toml(path: Path) -> dict[str, Any]:
    """The content of a TOML file; a mark that some editors write before the text is left out.

    Raises:
        OSError: it cannot be read, or is longer than TOML_BYTES.
        ValueError: it is not UTF-8 or not TOML, is nested too deeply, or holds a number of thousands of digits.
    """
    try:
        return tomllib.loads(read_limited(path, TOML_BYTES).decode("utf-8-sig"))
    except RecursionError:
        raise ValueError("tables or lists are nested too deeply") from None
