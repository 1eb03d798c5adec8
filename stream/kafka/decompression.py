"""The codecs of Kafka's record batches, none of which can make more than BATCH_BYTES of what somebody sent. Pure."""

import gzip
import io
import struct
import zlib
from collections.abc import Callable
from typing import Any

import cramjam
import numpy as np

from stream.errors import StreamError

# Kafka takes batches of 1 MiB as they are sent. Compressed, one may hold more: documents shrink to a third or a
# fifth, repetitive ones to a tenth. What inflates to more than this was made to do so.
BATCH_BYTES = 16 * 2**20
XERIAL = b"\x82SNAPPY\x00"  # how Java's snappy begins: a version, then blocks with their lengths
XERIAL_HEADER_BYTES = 16


class UnreadableError(StreamError):
    """A batch that cannot be read; says why, in words for an operator."""


def decompress(codec: int, data: bytes) -> bytes:
    """The records of a compressed batch; `codec` is the number in the batch's attributes.

    Raises:
        UnreadableError: the codec is unknown, the bytes are not of it, or they hold more than BATCH_BYTES.
    """
    if codec not in _CODECS:
        raise UnreadableError(f"compressed with the unknown codec {codec}")
    name, decode = _CODECS[codec]
    try:
        records = decode(data)
    except (cramjam.DecompressionError, OSError, EOFError, zlib.error, struct.error) as error:
        if "write whole buffer" in str(error):  # it is full
            raise _too_large(name) from None
        raise UnreadableError(f"not valid {name}: {error}") from None
    if len(records) > BATCH_BYTES:
        raise _too_large(name)
    return records


def _too_large(name: str) -> UnreadableError:
    return UnreadableError(f"{name} that holds more than {BATCH_BYTES} bytes; a batch may hold as many")


def _gzip(data: bytes) -> bytes:
    with gzip.GzipFile(fileobj=io.BytesIO(data)) as file:
        return file.read(BATCH_BYTES + 1)


def _into_limit(decompress_into: Callable[[Any, Any], int]) -> Callable[[bytes], bytes]:
    def decode(data: bytes) -> bytes:
        room = np.empty(BATCH_BYTES + 1, np.uint8)  # memory is taken as it is filled
        return room[: decompress_into(data, room)].tobytes()

    return decode


def _snappy(data: bytes) -> bytes:
    if not data.startswith(XERIAL):
        return _snappy_block(data, BATCH_BYTES)
    blocks, at, size = [], XERIAL_HEADER_BYTES, 0
    while at < len(data):
        (length,) = struct.unpack_from(">I", data, at)
        at += 4 + length
        if at > len(data):
            raise EOFError("a block ends behind the batch")
        blocks.append(_snappy_block(data[at - length : at], BATCH_BYTES - size))
        size += len(blocks[-1])
    return b"".join(blocks)


def _snappy_block(data: bytes, limit: int) -> bytes:
    if cramjam.snappy.decompress_raw_len(data) > limit:
        raise _too_large("snappy")
    return bytes(cramjam.snappy.decompress_raw(data))


_CODECS: dict[int, tuple[str, Callable[[bytes], bytes]]] = {
    1: ("gzip", _gzip),
    2: ("snappy", _snappy),
    3: ("lz4", _into_limit(cramjam.lz4.decompress_into)),
    4: ("zstd", _into_limit(cramjam.zstd.decompress_into)),
}
