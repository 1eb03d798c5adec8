"""The data directory of `up`, `stack` and `feed`: for its user alone, whatever the umask is and whatever was there.

Kafka's records hold texts and authors. Nobody else may read the files, and nobody else may have put something there
that is then overwritten or trusted.
"""

import logging
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bearwatch.errors import SettingsError
from stream.errors import StreamError

UMASK = 0o077  # of the commands that use a data directory, and of their children
# One of them is in every data directory that was used.
OURS = ("kafka/broker.lock", "broker.lock", "feed.json")
log = logging.getLogger("bearwatch.local")


def data_folder(path: Path) -> Path:
    """The data directory as an absolute path, for this user alone; one that is created here is ignored by git.

    Raises:
        StreamError: it cannot be created or written, belongs to another user, or may be read by others and holds
            other files than ours.
        SettingsError: its path is not UTF-8.
    """
    new = not os.path.exists(path)  # noqa: PTH110 - false, where Path.exists fails for a name that is too long
    folder = private_folder(path)
    if new:
        with _reported(folder):
            (folder / ".gitignore").write_text("*\n")
    return folder


def private_folder(path: Path) -> Path:
    """The folder as an absolute path, with mode 0700; it is created, or closed to others where it was open.

    Raises:
        StreamError, SettingsError: as for `data_folder`.
    """
    try:
        str(path).encode()
    except UnicodeEncodeError:
        raise SettingsError(f"{path}: the path of the data directory must be UTF-8") from None
    with _reported(path):
        folder = path.absolute()  # which asks for the current folder; that may have been removed
    with _reported(folder):
        if not os.path.exists(folder):  # noqa: PTH110
            folder.mkdir(parents=True, mode=0o700)
            folder.chmod(0o700)  # a umask may have taken more away
        _require_owner(folder)
        if folder.stat().st_mode & 0o077:
            _close(folder)
        if not os.access(folder, os.W_OK | os.X_OK):
            raise StreamError(f"{folder}: the data directory cannot be written")
    return folder


@contextmanager
def _reported(folder: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        where = f" ({error.filename})" if error.filename not in (None, str(folder)) else ""
        raise StreamError(f"{folder}: the data directory cannot be used: {error.strerror}{where}") from None


def _require_owner(path: Path) -> None:
    """Of the path and, where it is a symbolic link, of what it leads to. Raises StreamError."""
    for found in (path.lstat(), path.stat()):
        if found.st_uid != os.geteuid():
            raise StreamError(
                f"{path}: the data directory belongs to another user (number {found.st_uid}); choose one of your own"
            )


def _close(folder: Path) -> None:
    """Take the rights of others away, from the folder and from what is in it. Raises StreamError."""
    mode = stat.S_IMODE(folder.stat().st_mode)
    others = f"{folder}: the data directory is for its user alone, but others may"
    if any(folder.iterdir()):
        if mode & stat.S_IWOTH or mode & stat.S_ISVTX:
            raise StreamError(
                f"{others} write in it (mode {mode:o}), and it is not empty; choose another one"
            )
        if not any((folder / name).is_file() for name in OURS):
            raise StreamError(
                f"{others} read it (mode {mode:o}), and it holds files that are not bearwatch's; choose another one, "
                f"or close it yourself: chmod 700"
            )
    folder.chmod(0o700)  # first: from now on nobody else can change what is in it
    for path in sorted(folder.rglob("*")):
        found = path.lstat()
        if found.st_uid != os.geteuid():
            raise StreamError(f"{path} belongs to another user (number {found.st_uid}); remove it")
        if not path.is_symlink():
            path.chmod(stat.S_IMODE(found.st_mode) & 0o700)
    log.info("%s was open to others (mode %o); it is closed now", folder, mode)
