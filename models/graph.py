"""Which other files an ONNX file makes an engine read: weights that it stores outside itself.

An ONNX file is a protobuf message, `ModelProto`. Serving has no package that decodes one, and needs none: the messages
inside are walked by their lengths, and the weights are skipped. The numbers are those of fields in `onnx.proto`.
"""

from collections.abc import Iterator

from models.errors import ModelError

# Message -> number of a field -> message in that field, for every way from the model to a tensor.
MESSAGES: dict[str, dict[int, str]] = {
    "model": {7: "graph", 20: "training", 25: "function"},
    "training": {1: "graph", 2: "graph"},
    "graph": {1: "node", 5: "tensor", 15: "sparse"},
    "function": {7: "node", 11: "attribute"},
    "node": {5: "attribute"},
    "attribute": {5: "tensor", 6: "graph", 10: "tensor", 11: "graph", 22: "sparse", 23: "sparse"},
    "sparse": {1: "tensor", 2: "tensor"},
}
EXTERNAL_DATA, DATA_LOCATION = 13, 14  # fields of a tensor
MAX_DEPTH = 100  # protobuf's own limit


def check_self_contained(content: bytes, where: object) -> None:
    """Raises ModelError, starting with `where`, for what is not an ONNX file or stores weights in other files."""
    try:
        location = next(_external(memoryview(content), "model", 0), None)
    except (IndexError, ValueError) as error:
        raise ModelError(f"{where}: damaged, or not an ONNX file ({error})") from None
    if location is not None:
        raise ModelError(
            f"{where}: stores weights in another file ({location[:200]!r}), which no sha256 of the manifest covers; "
            "write it as one file: `onnx.save(onnx.load(FILE), OTHER_FILE)`"
        )


def _external(message: memoryview, kind: str, depth: int) -> Iterator[str]:
    """The locations of all tensors that are stored outside; an empty text where a tensor names none."""
    if depth > MAX_DEPTH:
        raise ValueError(f"messages nested deeper than {MAX_DEPTH}")
    for number, value in _fields(message):
        if kind == "tensor":
            if number == EXTERNAL_DATA and isinstance(value, memoryview):
                yield "".join(
                    bytes(text).decode(errors="replace")
                    for part, text in _fields(value)
                    if part == 2 and isinstance(text, memoryview)
                )
            elif number == DATA_LOCATION and value != 0:
                yield ""
        elif (inner := MESSAGES[kind].get(number)) is not None and isinstance(value, memoryview):
            yield from _external(value, inner, depth + 1)


def _fields(message: memoryview) -> Iterator[tuple[int, int | memoryview]]:
    """Number and value of each field; raises IndexError or ValueError where the bytes are not a message."""
    at = 0
    while at < len(message):
        tag, at = _varint(message, at)
        match tag & 7:
            case 0:
                value, at = _varint(message, at)
                yield tag >> 3, value
                continue
            case 1:
                size = 8
            case 2:
                size, at = _varint(message, at)
            case 5:
                size = 4
            case unknown:
                raise ValueError(f"a field is stored in the unknown way {unknown}")
        if size > len(message) - at:
            raise ValueError("it ends in the middle of a field")
        yield tag >> 3, message[at : at + size]
        at += size


def _varint(message: memoryview, at: int) -> tuple[int, int]:
    """An integer of at most ten bytes of seven bits each, and the position behind it."""
    value = 0
    for shift in range(0, 70, 7):
        byte = message[at]
        at += 1
        value |= (byte & 127) << shift
        if byte < 128:
            return value, at
    raise ValueError("a number is longer than ten bytes")
