"""Where downloaded files that any start may use again lie."""

from collections.abc import Mapping
from pathlib import Path


def cache_folder(environ: Mapping[str, str]) -> Path:
    """`$XDG_CACHE_HOME/bearwatch`, or `~/.cache/bearwatch`; it may not exist yet."""
    base = Path(environ.get("XDG_CACHE_HOME") or Path(environ.get("HOME", "~")).expanduser() / ".cache")
    return base / "bearwatch"
