"""A stack under the policy of minutes, and what its receiver was notified of."""

import signal
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, fields
from pathlib import Path

import msgspec
from keyword_model import write_keyword_model
from news_feed import NewsFeed

from alerting.notify.notices import Receipt
from bearwatch.local.ports import free_port
from bearwatch.local.stack import Stack, stack
from bearwatch.local.stack_configuration import Ports
from bearwatch.local.up import LOCAL_KAFKA
from stream.settings import WorkerSettings

POLICY = Path(__file__).with_name("minute_policy.toml")
PATIENCE_SECONDS = 600.0
# The window empties, the alert outlasts it by two minutes, the group's interval is a minute: five on a quiet machine.
END_SECONDS = 900.0
MORE_SECONDS = 15.0  # for notifications that must not come
TOPIC = "Energy | Oil"


@dataclass
class Watch:
    """What happens in a running stack."""

    running: Stack
    ports: Ports
    folder: Path
    news_feed: NewsFeed

    def receipts(self, topic: str) -> list[Receipt]:
        """What the receiver wrote down about a topic's surges, in order."""
        file = self.running.notifications
        lines = file.read_bytes().splitlines() if file.exists() else []
        found = [msgspec.json.decode(line, type=Receipt) for line in lines]
        return [each for each in found if each.labels.get("topic") == topic]

    def notified(self, topic: str) -> list[str]:
        return [each.status for each in self.receipts(topic)]

    def begin(self, topic: str = TOPIC) -> None:
        """Begin a surge and wait until the receiver is notified of it."""
        self.news_feed.begin(topic)
        self.wait_until(f"the receiver is notified of {topic}", lambda: bool(self.notified(topic)))

    def end(self, topic: str = TOPIC) -> None:
        """End the surge and wait until the receiver is notified that it is resolved."""
        self.news_feed.end(topic)
        self.wait_until(
            f"the receiver is notified that {topic} is resolved",
            lambda: "resolved" in self.notified(topic),
            END_SECONDS,
        )
        self.wait(MORE_SECONDS)

    def wait_until(self, what: str, condition: Callable[[], bool], seconds: float = PATIENCE_SECONDS) -> None:
        deadline = time.monotonic() + seconds
        while not condition():
            if time.monotonic() > deadline:
                raise AssertionError(f"not within {seconds:.0f} s: {what}; logs in {self.folder}")
            self.wait(0.5)

    def wait(self, seconds: float) -> None:
        """Let time pass; a worker that ends is started again, as a supervisor does.

        Raises StreamError where another process has ended by itself, and the error that ended the feed.
        """
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            self.running.check()
            if self.news_feed.failure is not None:
                raise self.news_feed.failure
            time.sleep(0.2)


@contextmanager
def watched(folder: Path, workers: int = 1, policy: Path = POLICY) -> Iterator[Watch]:
    """A stack with the keyword model that has read an hour of history without a surge."""
    ports = Ports(**{each.name: free_port() for each in fields(Ports)})
    # An open one that holds a model is not a data directory.
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    settings = WorkerSettings(LOCAL_KAFKA, model=write_keyword_model(folder / "model"))
    with (
        stack(folder, settings, ports, feed=None, policy=policy, workers=workers) as running,
        NewsFeed(running.connection) as news_feed,
    ):
        yield Watch(running, ports, folder, news_feed)


class Notified(msgspec.Struct, frozen=True):
    """The receipts of one surge, and the page of evidence that its first notification links to."""

    receipts: list[Receipt]
    page: str


def one_surge(folder: Path) -> Notified:
    """One surge from its beginning to its end."""
    with watched(folder) as watch:
        watch.begin()
        address = watch.receipts(TOPIC)[0].annotations["evidence_url"]
        with urllib.request.urlopen(address, timeout=60) as answer:  # noqa: S310 - an http address of ours
            page = answer.read().decode()
        watch.end()
        return Notified(watch.receipts(TOPIC), page)


def main() -> None:
    """FOLDER: one surge there, and `notified.json` about it; SIGTERM ends it with everything it started."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    folder = Path(sys.argv[1])
    (folder / "notified.json").write_bytes(msgspec.json.encode(one_surge(folder / "stack")))


if __name__ == "__main__":
    main()
