"""The watch list in use, which follows its file. The I/O boundary of this package besides the reader of the file."""

from pathlib import Path

from stream.entities.matcher import Matcher
from stream.entities.watch_list import WatchList
from stream.entities.watch_list_file import load_watch_list

NOBODY = Matcher(WatchList(()))


class WatchedCompanies:
    """The companies that are watched now. Threads may read `matcher` while another one calls `refresh`."""

    def __init__(self, path: Path | None = None) -> None:
        """Read the file; without one no company is watched.

        Raises:
            WatchListError: it cannot be used.
        """
        self._path = path
        self._looked_at = _look(path)
        self.matcher = NOBODY if path is None else Matcher(load_watch_list(path))

    def refresh(self) -> bool:
        """Take the file's new content where it has changed; returns whether it was taken.

        Raises:
            WatchListError: the new content cannot be used. The list stays as it was; that content is not read again.
        """
        looked_at = _look(self._path)
        if self._path is None or looked_at == self._looked_at:
            return False
        self._looked_at = (
            looked_at  # from before the reading: what is written meanwhile is read the next time
        )
        watch_list = load_watch_list(self._path)
        if watch_list.hash == self.matcher.hash:
            return False
        self.matcher = Matcher(watch_list)
        return True


def _look(path: Path | None) -> tuple[int, int, int] | None:
    """What changes when the file is written or replaced; None where there is none."""
    try:
        found = None if path is None else path.stat()
    except OSError:
        return None
    return None if found is None else (found.st_mtime_ns, found.st_size, found.st_ino)
