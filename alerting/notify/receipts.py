"""The receiver's file of JSON lines: each alert's firing and its resolution are written once, also after crashes."""

import fcntl
import os
import stat
from collections.abc import Iterable
from pathlib import Path
from typing import Self

import msgspec

from alerting.errors import AlertingError
from alerting.notify.notices import Identity, Receipt
from bearwatch.core.decoding import decode_json
from bearwatch.core.files import sync
from bearwatch.core.printable import printable_json

BEGINNING = b'{"received_at":'  # of each line
REMEMBERED = 100_000  # identities, about 20 MB; Alertmanager repeats alerts of the last hours


class ReceiptFile:
    """Appends receipts to `path`, which one process at a time may have open; what is in the file already is kept.

    Raises:
        AlertingError: the file cannot be written, is in use, or holds something else.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._seen: dict[Identity, None] = {}  # in order of arrival
        self._file, self._size = self._open()  # bytes of complete lines

    def _open(self) -> tuple[int, int]:
        try:
            file = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_NONBLOCK, 0o600)
        except OSError as error:
            raise AlertingError(f"{self._path} cannot be written: {error.strerror}") from None
        try:
            if not stat.S_ISREG(os.fstat(file).st_mode):  # a device may never end
                raise AlertingError(f"{self._path} is not a file; name one that can hold the receipts")
            return file, self._begin(file)
        except BaseException:
            os.close(file)  # and with it the lock
            raise

    def _begin(self, file: int) -> int:
        """Lock the file and read what it holds; returns the bytes of its complete lines, which it is cut to."""
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise AlertingError(
                f"{self._path} is in use by another receiver; give each a file of its own"
            ) from None
        _cut(file, size := self._read_back())
        sync(self._path.parent)  # a new file survives a power failure only once its folder is on disk
        return size

    def _take_up(self) -> None:
        """Continue with what has the file's name now: others may move, remove or empty it, as log rotation does."""
        opened = os.fstat(self._file)
        try:
            is_same = os.path.samestat(opened, self._path.stat())
        except FileNotFoundError:
            is_same = False
        if not is_same:
            former = self._file
            self._file, self._size = self._open()
            os.close(former)
        elif opened.st_size < self._size:
            self._size = self._begin(self._file)

    def _read_back(self) -> int:
        """Read the identities; a last line without a newline was never confirmed, and Alertmanager sends it again."""
        size = 0
        with self._path.open("rb") as lines:
            for number, line in enumerate(lines, 1):
                if not line.endswith(b"\n"):
                    # After a power failure there may be zeros in place of the text.
                    begun = line.rstrip(b"\0")
                    if not begun.startswith(BEGINNING[: len(begun)]):
                        raise self._not_a_receipt(number, "it begins differently")
                    break
                try:
                    self._remember(decode_json(line, Receipt))
                except msgspec.DecodeError as error:
                    raise self._not_a_receipt(number, error) from None
                size += len(line)
        return size

    def _not_a_receipt(self, number: int, reason: object) -> AlertingError:
        return AlertingError(
            f"{self._path}, line {number} is not a record of this receiver ({reason}); "
            "move the file away or name another"
        )

    def add(self, receipts: Iterable[Receipt]) -> int:
        """Write the receipts that are new and wait until they are on disk; returns the number of lines written.

        Raises:
            OSError: nothing was written (the disk is full, for example); the call may be repeated.
            AlertingError: the same, because something else has the file's name now.
        """
        new = {each.identity: each for each in receipts if each.identity not in self._seen}
        if not new:
            return 0
        self._take_up()
        _cut(self._file, self._size)
        # Printable, because people look at the file; labels and annotations come from outside.
        lines = b"".join(printable_json(msgspec.json.encode(each)).encode() + b"\n" for each in new.values())
        try:
            written = 0
            while written < len(lines):  # an almost full disk takes only a part
                written += os.write(self._file, lines[written:])
            os.fsync(self._file)
        except OSError:
            _cut(self._file, self._size)
            raise
        self._size += len(lines)
        for each in new.values():
            self._remember(each)
        return len(new)

    def _remember(self, receipt: Receipt) -> None:
        self._seen[receipt.identity] = None
        if len(self._seen) > REMEMBERED:
            del self._seen[next(iter(self._seen))]

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        os.close(self._file)


def _cut(file: int, size: int) -> None:
    """Remove what a failed write left behind the complete lines."""
    if os.fstat(file).st_size != size:
        os.ftruncate(file, size)
        os.fsync(file)
