"""A local Kafka, a worker and the commands around it, all in the network of this process: every document is answered.

python tests/support/guarded_worker.py FOLDER HOME     # HOME: of everything but Kafka, whose jars are in a cache
"""

import os
import signal
import subprocess
import sys
from pathlib import Path

from ingested import line
from keyword_model import write_keyword_model
from one_worker import OneWorker

from bearwatch.local.kafka import LocalKafka

DOCUMENTS = 20


def main(folder: Path, home: Path) -> None:
    (folder / "news.jsonl").write_bytes(b"\n".join(line(number) for number in range(DOCUMENTS)))
    environment = {**os.environ, "HOME": str(home)}
    environment.pop("XDG_CACHE_HOME", None)
    with LocalKafka(folder / "kafka") as kafka:
        for arguments in (
            ("topics", "--broker", kafka.bootstrap, "--partitions", "1"),
            ("ingest", "--broker", kafka.bootstrap, "--stream", "news", str(folder / "news.jsonl")),
        ):
            subprocess.run(
                [sys.executable, "-m", "bearwatch", *arguments], cwd=folder, env=environment, check=True
            )
        model = write_keyword_model(folder / "model")
        with OneWorker(folder, kafka.bootstrap, "bearwatch.", model, environment=environment) as worker:
            worker.wait_until_serving()
            worker.wait_until(
                "every document is classified",
                lambda: (
                    worker.metric("bearwatch_documents_total", stream="news", outcome="classified")
                    == DOCUMENTS
                ),
            )
            worker.signal(signal.SIGTERM)
            assert worker.exit_code() == 0, worker.log


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
