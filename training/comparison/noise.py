"""Adds typing mistakes to a text, the same ones for the same seed."""

import hashlib

import numpy as np

KEYBOARD = ("1234567890", "qwertyuiop", "asdfghjkl", "zxcvbnm")  # QWERTY; each row half a key further right
KINDS = ("swap", "drop", "double", "neighbour")


def _neighbours() -> dict[str, str]:
    """Key -> its neighbours on the keyboard: left and right, and the two above and below."""
    place = {
        key: (row, 2 * column + row) for row, keys in enumerate(KEYBOARD) for column, key in enumerate(keys)
    }
    near = {(0, 2), (0, -2), (1, 1), (1, -1), (-1, 1), (-1, -1)}
    return {
        key: "".join(other for other, (y, x) in place.items() if (y - row, x - column) in near)
        for key, (row, column) in place.items()
    }


NEIGHBOURS = _neighbours()


def mistyped(text: str, ratio: float, seed: int) -> str:
    """The text with `ratio` of its characters, white space not counted, mistyped.

    A mistake swaps a character with the next one, drops it, doubles it or hits a neighbouring key (a character that
    is not a letter or digit is doubled instead). The same text, ratio and seed give the same mistakes. A higher ratio
    makes the mistakes of a lower one, and more.
    """
    places = np.array([i for i, character in enumerate(text) if not character.isspace()], np.int64)
    digest = hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest()
    random = np.random.default_rng([seed, int.from_bytes(digest[:8])])
    order = random.permutation(len(places))
    kinds = random.integers(0, len(KINDS), len(places))
    keys = random.random(len(places))  # which of the neighbours, as a ratio of their number
    characters = list(text)
    for i in sorted(order[: round(ratio * len(places))].tolist(), reverse=True):  # so that places stay valid
        _mistype(characters, int(places[i]), KINDS[kinds[i]], float(keys[i]))
    return "".join(characters)


def _mistype(characters: list[str], at: int, kind: str, key: float) -> None:
    """Make one mistake, in place."""
    match kind:
        case "swap":
            characters[at : at + 2] = characters[at : at + 2][::-1]
        case "drop":
            del characters[at]
        case "neighbour" if keys := NEIGHBOURS.get(characters[at].lower()):
            hit = keys[int(key * len(keys))]
            characters[at] = hit.upper() if characters[at].isupper() else hit
        case _:
            characters.insert(at, characters[at])
