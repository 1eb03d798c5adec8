"""The records of a soak run: documents of the sample feed, again and again, and every kind of hostile record."""

import json
import time
from itertools import cycle, islice
from types import TracebackType
from typing import Self

from hostile_records import Bundle
from raw_batches import Entry, batch
from raw_produce import RawProducer

from bearwatch.sample import SampleWorld, documents

TEXTS = 1000
SEED = 18
ANCHOR = 1_764_072_000.0  # the sample's texts do not depend on when it is run
DAY = 86_400.0
BUNDLES = 20  # the stories of hostile documents repeat after so many


class SoakFeed:
    """Sends to the partitions in turn, stamped on sending; counts what must be classified and what answered."""

    batch_documents = 50

    def __init__(self, broker: str, topic: str, partitions: int) -> None:
        self.documents = 0
        self.dead_letters = 0
        self._hostile = 0
        self._sent = 0.0  # records since `keep_up` was first called
        self._producer = RawProducer(broker, topic)
        self._partitions = cycle(range(partitions))
        sample = documents(SampleWorld(SEED, ANCHOR), ANCHOR - 30 * DAY, ANCHOR)
        self._texts = cycle([each.text for each in islice(sample, TEXTS)])
        self._kinds = iter(())

    def __enter__(self) -> Self:
        self._producer.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._producer.__exit__(kind, error, trace)

    def good(self, count: int) -> None:
        """Send documents in one batch."""
        now = time.time()
        published = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(now))
        entries = [
            Entry(
                json.dumps(
                    {
                        "id": f"d{self.documents + number}",
                        "text": next(self._texts),
                        "published_at": published,
                        "source": f"wire-{number % 9}",
                    }
                ).encode()
            )
            for number in range(count)
        ]
        self._send(batch(entries, timestamp=int(now * 1000)))
        self.documents += count

    def hostile(self) -> None:
        """Send the next kind."""
        kind = next(self._kinds, None)
        if kind is None:
            self._hostile += 1
            bundle = Bundle(self._hostile % BUNDLES, int(time.time() * 1000))
            self._kinds = iter(bundle.all())
            kind = next(self._kinds)
        self._send(kind.batch)
        self.documents += kind.documents
        self.dead_letters += kind.reason is not None

    def keep_up(self, documents: float, hostile_ratio: float) -> None:
        """Send until so many documents were sent, and `hostile_ratio` times as many hostile records."""
        while self._sent < documents:
            count = int(min(self.batch_documents, documents - self._sent) + 1)
            self.good(count)
            before, self._sent = self._sent, self._sent + count
            for _ in range(int(self._sent * hostile_ratio) - int(before * hostile_ratio)):
                self.hostile()

    def _send(self, sent: bytes) -> None:
        answer = self._producer.send(next(self._partitions), sent)
        if answer != "NoError":
            raise AssertionError(f"the broker says {answer}")
