"""Which known name a mistyped one was probably meant to be."""

from collections.abc import Iterable
from difflib import get_close_matches


def nearest(name: str, known: Iterable[str]) -> str | None:
    """The most similar of the known names, however far; None where there is none."""
    return next(iter(get_close_matches(name, list(known), n=1, cutoff=0.0)), None)
