"""JSON from a file or another program as a value of a type: whatever is wrong with it is one kind of error."""

from typing import TypeVar

import msgspec

from bearwatch.core.printable import brief

Decoded = TypeVar("Decoded")


def decode_json(content: bytes | str, type: type[Decoded]) -> Decoded:
    """Decode one JSON document.

    Raises:
        msgspec.DecodeError: it is not UTF-8, not JSON, nested too deeply, or (ValidationError) not of the type. The
            message is one short line without control characters, though parts of the content may stand in it.
    """
    try:
        return msgspec.json.decode(content, type=type)
    except RecursionError:
        raise msgspec.DecodeError("JSON is nested too deeply") from None
    except UnicodeDecodeError as error:
        raise msgspec.DecodeError(f"not UTF-8: {error.reason}") from None
    except msgspec.DecodeError as error:
        raise error.__class__(brief(error)) from None
