"""What several tests use: one real Kafka per session, a topic prefix per test, and one surge on a whole stack."""

import signal
import subprocess
import sys
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings

from bearwatch.local.kafka import LocalKafka

LONGEST = (
    "test_stack.py",
    "test_exact_counting.py",
    "test_worker.py",
    "test_secured_kafka.py",
    "test_nothing_calls_home.py",
    "test_hostile_records.py",
    "test_up.py",
)


def pytest_configure(config: pytest.Config) -> None:
    """What holds for every test."""
    # A shell that starts the tests in the background has them, and what they start, ignore Ctrl-C; `nohup` does the
    # same with the signal of a closed terminal.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGHUP, signal.SIG_DFL)
    # No example of a property may fail because another program had the processor.
    settings.register_profile("bearwatch", settings.default, deadline=None)
    settings.load_profile("bearwatch")
    # kafka-python reads its schemas through functions that Python 3.11 and 3.12 deprecate.
    for function in ("open_text", "read_text"):
        config.addinivalue_line("filterwarnings", f"ignore:{function} is deprecated:DeprecationWarning")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The files that wait longest come first, so that none of them is left alone at the end."""
    items.sort(key=lambda item: LONGEST.index(item.path.name) if item.path.name in LONGEST else len(LONGEST))


@pytest.fixture(scope="session")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalKafka]:
    """A running Kafka; tests keep apart by `prefix`. A test that kills it starts one of its own."""
    with LocalKafka(tmp_path_factory.mktemp("kafka")) as kafka:
        yield kafka


@pytest.fixture
def prefix() -> str:
    """A topic prefix that no other test uses."""
    return f"test-{uuid.uuid4().hex[:8]}."


@pytest.fixture(scope="session")
def surge(tmp_path_factory: pytest.TempPathFactory) -> Iterator[subprocess.Popen[bytes]]:
    """A surge on a whole stack, in a process of its own; it takes five minutes.

    `surge_watch` writes what the receiver was notified of to `notified.json` in its folder.
    """
    # A path that means something to Kafka, to Prometheus or to a shell is a path like any other.
    folder = tmp_path_factory.mktemp("stack") / "data [x]*, é"
    folder.mkdir(mode=0o700)
    command = [sys.executable, str(Path(__file__).parent / "support" / "surge_watch.py"), str(folder)]
    with (folder / "surge_watch.log").open("wb") as log:
        process = subprocess.Popen(command, cwd=folder, stdout=log, stderr=log)
    yield process
    process.terminate()
    process.wait(180)
