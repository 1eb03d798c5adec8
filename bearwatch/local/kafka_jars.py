"""The local Kafka's jars: downloaded by jgo when they are missing, checked against a committed list of sha256 sums.

The class path is exactly that list, so a jar that is not on it cannot be loaded. A start of the local Kafka downloads
what is missing; these commands are for the repository:

    python -m bearwatch.local.kafka_jars fetch   # download what is missing, check everything
    python -m bearwatch.local.kafka_jars lock    # resolve KAFKA again and rewrite the list
"""

import fcntl
import hashlib
import os
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import Any

from rich.progress import track

from bearwatch.core.cache import cache_folder
from bearwatch.core.console import PlainConsole
from stream.errors import StreamError

KAFKA = "org.apache.kafka:kafka_2.13:4.1.0"
# Kafka logs through slf4j; its Maven artifact does not depend on a binding. The version is that of its log4j-core.
BINDING = "org.apache.logging.log4j:log4j-slf4j-impl:2.24.3"
SUMS = Path(__file__).with_name("kafka_jars.sha256")  # in the format of sha256sum
TIMEOUT_SECONDS = 60


def jar_cache(environ: Mapping[str, str]) -> Path:
    """Where the jars are, laid out as a Maven repository: `$XDG_CACHE_HOME/bearwatch/jars`."""
    return cache_folder(environ) / "jars"


def locked_sums(sums: Path = SUMS) -> dict[str, str]:
    """The committed list: path below the cache -> sha256."""
    rows = (line.split() for line in sums.read_text().splitlines())
    return {path: digest for digest, path in rows}


def fetch(
    cache: Path, locked: Mapping[str, str], download: Callable[[Path, str], object] | None = None
) -> list[Path]:
    """The class path; each jar is checked (0.1 s for 43 MB) and downloaded first where it is missing or damaged.

    Progress is shown on standard error. `download` takes the cache folder and a jar's path below it.

    Raises:
        StreamError: a jar cannot be downloaded, or what was downloaded is not the locked jar.
    """
    if missing(cache, locked):
        with _exclusive(cache):
            _download(cache, missing(cache, locked), download or _from_maven)
        if wrong := missing(cache, locked):
            raise StreamError(
                f"{cache / wrong[0]} as downloaded is not the locked jar of Kafka (its sha256 differs); "
                "is a proxy or a mirror changing it?"
            )
    return [cache / path for path in locked]


def missing(cache: Path, locked: Mapping[str, str]) -> list[str]:
    """Those that are not there as they were locked."""
    return [path for path, digest in locked.items() if not is_intact(cache / path, digest)]


def _download(cache: Path, paths: list[str], download: Callable[[Path, str], object]) -> None:
    console = PlainConsole(stderr=True, soft_wrap=True)
    console.print(f"downloading {len(paths)} jars of Kafka into {cache}")
    for path in track(paths, "Kafka's jars", console=console, disable=not console.is_terminal):
        (cache / path).unlink(missing_ok=True)
        try:
            download(cache, path)
        except (OSError, RuntimeError) as error:  # requests' errors are OSErrors
            raise StreamError(
                f"cannot download Kafka's jar {PurePosixPath(path).name} from Maven Central. Connect this machine to "
                f"the network once, or copy {cache} from a machine that has it; or name a Kafka of your own with "
                f"`bearwatch up --broker HOST:PORT`. The reason: {error}"
            ) from error


def _from_maven(cache: Path, path: str) -> None:
    group, artifact, version = coordinates(path)
    _maven(cache).project(group, artifact).at_version(version).artifact().resolve()


@contextmanager
def _exclusive(cache: Path) -> Iterator[None]:
    """One process downloads; another that needs the same jars waits for it."""
    cache.mkdir(parents=True, exist_ok=True)
    with (cache / ".lock").open("w") as lock_file:
        fcntl.flock(lock_file, fcntl.LOCK_EX)
        yield


def lock(cache: Path, sums: Path = SUMS) -> None:
    """Resolve KAFKA and its dependencies and write the list; review the difference before committing it."""
    maven = _maven(cache)
    kafka, binding = maven.create_dependency(KAFKA), maven.create_dependency(BINDING)
    resolved = [kafka, *maven.resolver.resolve([kafka])[1], binding]
    jars = sorted(Path(dependency.artifact.resolve()) for dependency in resolved)
    sums.write_text("".join(f"{sha256(jar)}  {jar.relative_to(cache).as_posix()}\n" for jar in jars))


def coordinates(path: str) -> tuple[str, str, str]:
    """`org/lz4/lz4-java/1.8.0/lz4-java-1.8.0.jar` -> `org.lz4`, `lz4-java`, `1.8.0`."""
    *group, artifact, version, _ = PurePosixPath(path).parts
    return ".".join(group), artifact, version


def is_intact(jar: Path, digest: str) -> bool:
    return jar.is_file() and sha256(jar) == digest


def sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _maven(cache: Path) -> Any:
    from jgo.maven import MavenContext, PythonResolver  # half a second; needed for downloads only

    return MavenContext(repo_cache=cache, resolver=PythonResolver(), timeout=TIMEOUT_SECONDS)


def main(arguments: list[str]) -> int:
    cache = jar_cache(os.environ)
    try:
        if arguments == ["fetch"]:
            fetch(cache, locked_sums())
        elif arguments == ["lock"]:
            lock(cache)
        else:
            sys.stderr.write("usage: python -m bearwatch.local.kafka_jars fetch | lock\n")
            return 2
    except StreamError as error:
        sys.stderr.write(f"error: {error}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
