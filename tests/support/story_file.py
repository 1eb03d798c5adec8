"""A file of documents for `bearwatch up`, in the words of the keyword model."""

import json
import random
from pathlib import Path

from bearwatch.core.times import utc

SURGE_MINUTES = 3


def write_history(path: Path, surge: bool, now: float) -> Path:
    """Forty minutes of a story every five seconds, a fifth negative; with a surge in the last minutes."""
    rng = random.Random(1)
    with path.open("w") as file:
        for number, seconds in enumerate(range(2400, 0, -5)):
            bad = rng.random() < (0.9 if surge and seconds < SURGE_MINUTES * 60 else 0.2)
            document = {
                "id": str(number),
                "text": f"bank {'negative' if bad else 'neutral'} number {number}",
                "published_at": utc(now - seconds).isoformat(),
                "source": f"wire-{number % 4}",
                "stream": "news",
            }
            file.write(json.dumps(document) + "\n")
    return path
