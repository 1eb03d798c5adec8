"""Values as JSON or msgpack hold them, changed in places: other types, keys twice, nests, huge numbers."""

import json
import random
from collections.abc import Iterator
from typing import Any, NamedTuple

from generation.texts import NUMBERS, moment, mutated, text


class Raw(NamedTuple):
    """A piece of JSON as it is written, valid or not."""

    written: str


class Pairs(NamedTuple):
    """An object whose keys may stand twice."""

    items: list[tuple[str, Any]]


def nest(rng: random.Random) -> Raw:
    """Brackets up to far beyond what a recursive parser takes."""
    depth = rng.choice((2, 30, 500, 1200, 5000))
    opening, closing = rng.choice((("[", "]"), ('{"a":', "}")))
    return Raw(opening * depth + rng.choice(("1", "")) + closing * rng.choice((depth, depth, depth - 1, 0)))


def scalar(rng: random.Random) -> Any:
    """Any value in place of another."""
    pick = rng.random()
    if pick < 0.3:
        return text(rng)
    if pick < 0.6:
        return Raw(rng.choice(NUMBERS))
    if pick < 0.65:
        return nest(rng)
    return rng.choice((None, True, False, 0, -1, 1.5, [], {}, [None], {"": None}, [[]], "", "a"))


def places(value: Any) -> Iterator[tuple[Any, Any]]:
    """Every container of a tree with each of its keys or indices."""
    keys = list(value) if isinstance(value, dict) else range(len(value)) if isinstance(value, list) else ()
    for key in keys:
        yield value, key
        yield from places(value[key])


def copied(value: Any) -> Any:
    """A tree of its own with lists and dictionaries that may be changed."""
    if isinstance(value, dict):
        return {key: copied(each) for key, each in value.items()}
    return [copied(each) for each in value] if isinstance(value, (list, tuple)) else value


def changed(rng: random.Random, sample: Any, most: int = 3) -> Any:
    """The sample with none to `most` changes."""
    root = {"": copied(sample)}
    for _ in range(rng.choice((0, *range(1, most + 1)))):
        if root:
            _change(rng, *rng.choice(list(places(root))))
    return root.get("")


def _change(rng: random.Random, container: Any, key: Any) -> None:
    value, pick = container[key], rng.random()
    if isinstance(value, str) and pick < 0.55:
        container[key] = moment(rng) if value[4:5] == "-" and pick < 0.45 else mutated(rng, value)
    elif isinstance(value, (int, float)) and not isinstance(value, bool) and pick < 0.5:
        container[key] = rng.choice((Raw(rng.choice(NUMBERS)), value + 1, -value, value * 1000, value / 3))
    elif isinstance(value, list) and value and pick < 0.4:
        container[key] = value * rng.choice((2, 3, 40)) if pick < 0.2 else value[: rng.randrange(len(value))]
    elif pick < 0.65:
        container[key] = scalar(rng)
    elif pick < 0.8 and isinstance(container, dict):
        del container[key]
    elif pick < 0.9 and isinstance(container, dict):
        container[mutated(rng, str(key))] = container.pop(key)
    elif isinstance(value, dict):
        twice = rng.choice([*value.items(), ("unknown", 1)])
        container[key] = Pairs([*value.items(), (twice[0], scalar(rng))])
    else:
        container[key] = scalar(rng)


def as_json(rng: random.Random, value: Any) -> bytes:
    """Written with or without escapes; half a character that is not escaped is not UTF-8."""
    escaped = rng.random() < 0.5
    written = _written(value, escaped, rng.choice((",", ", ", ",\n")), rng.choice((":", ": ")))
    return written.encode("utf-8", "surrogatepass")


def _written(value: Any, escaped: bool, comma: str, colon: str) -> str:
    if isinstance(value, Raw):
        return value.written
    if isinstance(value, list):
        return "[" + comma.join(_written(each, escaped, comma, colon) for each in value) + "]"
    if isinstance(value, (dict, Pairs)):
        items = value.items if isinstance(value, Pairs) else value.items()
        written = (
            json.dumps(str(key), ensure_ascii=escaped) + colon + _written(each, escaped, comma, colon)
            for key, each in items
        )
        return "{" + comma.join(written) + "}"
    return json.dumps(value, ensure_ascii=escaped)


def plain(value: Any) -> Any:
    """Without `Raw` and `Pairs`, for formats that are not JSON; a number that no double holds is infinite."""
    if isinstance(value, Raw):
        try:
            number = float(value.written)
        except ValueError:
            return value.written[:1000]
        return int(number) if number.is_integer() and abs(number) < 2**63 else number
    if isinstance(value, (dict, Pairs)):
        items = value.items if isinstance(value, Pairs) else value.items()
        return {plain(key): plain(each) for key, each in items}
    if isinstance(value, list):
        return [plain(each) for each in value]
    if isinstance(value, int) and not -(2**63) <= value < 2**64:
        return float(value)
    return value.encode("utf-8", "replace").decode() if isinstance(value, str) else value
