"""What several tests share: one real Kafka for the whole session, and topics of each test's own on it."""

import uuid
from collections.abc import Iterator

import pytest

from stream.local_kafka import LocalKafka


def pytest_configure(config: pytest.Config) -> None:
    """Let kafka-python in: it reads its schemas through functions that Python 3.11 and 3.12 deprecate."""
    for function in ("open_text", "read_text"):
        config.addinivalue_line("filterwarnings", f"ignore:{function} is deprecated:DeprecationWarning")


@pytest.fixture(scope="session")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalKafka]:
    """A running Kafka; tests keep apart by `prefix`. A test that kills it starts one of its own."""
    with LocalKafka(tmp_path_factory.mktemp("kafka")) as kafka:
        yield kafka


@pytest.fixture
def prefix() -> str:
    """A topic prefix that no other test uses."""
    return f"test-{uuid.uuid4().hex[:8]}."
