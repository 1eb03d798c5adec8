"""The local Kafka's jars: downloaded by jgo, held against a committed list of sha256 sums.

The class path is exactly that list, so a jar that is not on it cannot be loaded.

    python -m bearwatch.local.kafka_jars fetch   # download what is missing, check everything
    python -m bearwatch.local.kafka_jars lock    # resolve KAFKA anew and rewrite the list
"""

import hashlib
import os
import sys
from collections.abc import Mapping
from pathlib import Path, PurePosixPath
from typing import Any

from rich.console import Console
from rich.progress import track

from bearwatch.core.cache import cache_folder
from stream.errors import StreamError

KAFKA = "org.apache.kafka:kafka_2.13:4.1.0"
# Kafka logs through slf4j; its Maven artifact brings no binding. The version is that of its log4j-core.
BINDING = "org.apache.logging.log4j:log4j-slf4j-impl:2.24.3"
SUMS = Path(__file__).with_name("kafka_jars.sha256")  # in the format of sha256sum
FETCH = "python -m bearwatch.local.kafka_jars fetch"
TIMEOUT_SECONDS = 60


def jar_cache(environ: Mapping[str, str]) -> Path:
    """Where the jars lie, laid out as a Maven repository: `$XDG_CACHE_HOME/bearwatch/jars`."""
    return cache_folder(environ) / "jars"


def locked_sums(sums: Path = SUMS) -> dict[str, str]:
    """The committed list: path below the cache -> sha256."""
    rows = (line.split() for line in sums.read_text().splitlines())
    return {path: digest for digest, path in rows}


def checked_jars(cache: Path, locked: Mapping[str, str]) -> list[Path]:
    """The class path, every jar checked (0.1 s for 43 MB). StreamError names one that is not as locked."""
    for path, digest in locked.items():
        if not (cache / path).is_file():
            raise StreamError(f"Kafka's jar {path} is missing from {cache}; run `{FETCH}`")
        if sha256(cache / path) != digest:
            raise StreamError(f"Kafka's jar {cache / path} is not the locked one (sha256); run `{FETCH}`")
    return [cache / path for path in locked]


def fetch(cache: Path, locked: Mapping[str, str]) -> None:
    """Download each locked jar that is missing or damaged, then check all."""
    wanted = [path for path, digest in locked.items() if not is_intact(cache / path, digest)]
    console = Console(stderr=True)
    for path in track(wanted, "Kafka's jars", console=console, disable=not console.is_terminal):
        (cache / path).unlink(missing_ok=True)
        group, artifact, version = coordinates(path)
        try:
            _maven(cache).project(group, artifact).at_version(version).artifact().resolve()
        except (OSError, RuntimeError) as error:  # requests' errors are OSErrors
            raise StreamError(f"cannot download Kafka's jar {artifact} {version}: {error}") from error
    checked_jars(cache, locked)


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
            sys.stderr.write(f"usage: {FETCH} | lock\n")
            return 2
    except StreamError as error:
        sys.stderr.write(f"error: {error}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
