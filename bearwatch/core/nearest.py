"""Which known name a mistyped one was probably meant to be."""

from collections.abc import Iterable
from difflib import get_close_matches

COMPARED = 40  # characters


def nearest(name: str, known: Iterable[str]) -> str | None:
    """The most similar of the known names, however far; None where there is none."""
    # The beginning of a long name decides: it may come from outside, and the time grows with its length.
    return next(iter(get_close_matches(name[:COMPARED], list(known), n=1, cutoff=0.0)), None)
