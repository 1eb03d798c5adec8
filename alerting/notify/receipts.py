"""JSON lines that are on disk, each alert's beginning and end once, whatever happens in between."""

import fcntl
import os
from collections.abc import Iterable
from pathlib import Path
from typing import Self

import msgspec

from alerting.errors import AlertingError
from alerting.notify.notices import Identity, Receipt

BEGINNING = b'{"received_at":'  # of each line
REMEMBERED = 100_000  # identities, some 20 MB; Alertmanager repeats alerts of the last hours


class ReceiptFile:
    """Open for one process at a time. Goes on after what an earlier one wrote.

    Raises:
        AlertingError: it cannot be written, is in use, or holds something else.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._seen: dict[Identity, None] = {}  # in order of arrival
        try:
            self._file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o644)
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise AlertingError(
                f"{path} is in use by another receiver; give each a file of its own"
            ) from None
        except OSError as error:
            raise AlertingError(f"{path} cannot be written: {error.strerror}") from None
        self._size = self._read_back()  # of what is whole
        self._tidy()
        _sync_folder(path.parent)

    def _read_back(self) -> int:
        """A last line without its end was never confirmed: Alertmanager sends it again."""
        size = 0
        with self._path.open("rb") as lines:
            for number, line in enumerate(lines, 1):
                if not line.endswith(b"\n"):
                    begun = line.rstrip(b"\0")  # after a power cut there may be nothing where it was to stand
                    if not begun.startswith(BEGINNING[: len(begun)]):
                        raise self._no_record(number, "it has another beginning")
                    break
                try:
                    self._remember(msgspec.json.decode(line, type=Receipt))
                except (msgspec.DecodeError, UnicodeDecodeError) as error:
                    raise self._no_record(number, error) from None
                size += len(line)
        return size

    def _no_record(self, number: int, reason: object) -> AlertingError:
        return AlertingError(
            f"{self._path}, line {number} is no record of this receiver ({reason}); "
            "move the file away or name another"
        )

    def add(self, receipts: Iterable[Receipt]) -> int:
        """Write down what is new and wait until it is on disk; gives how many lines that were.

        Raises:
            OSError: nothing of it was written (the disk is full, say); it may be tried again.
        """
        new = {each.identity: each for each in receipts if each.identity not in self._seen}
        if not new:
            return 0
        self._tidy()
        lines = b"".join(msgspec.json.encode(each) + b"\n" for each in new.values())
        try:
            written = 0
            while written < len(lines):  # a disk that is almost full takes a part
                written += os.write(self._file, lines[written:])
            os.fsync(self._file)
        except OSError:
            self._tidy()
            raise
        self._size += len(lines)
        for each in new.values():
            self._remember(each)
        return len(new)

    def _tidy(self) -> None:
        """Take away what a write that failed left behind."""
        if os.fstat(self._file).st_size != self._size:
            os.ftruncate(self._file, self._size)
            os.fsync(self._file)

    def _remember(self, receipt: Receipt) -> None:
        self._seen[receipt.identity] = None
        if len(self._seen) > REMEMBERED:
            del self._seen[next(iter(self._seen))]

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        os.close(self._file)


def _sync_folder(folder: Path) -> None:
    """A new file is on disk only when its folder is."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
