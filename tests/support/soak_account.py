"""What a soak run has found: memory, lag and counts over time, and whether they are as they must be. Pure."""

import statistics
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

GROWTH_RATIO = 0.05
WARM_UP_RATIO = 0.25  # of the run: engines, pools and queues reach their size
WINDOWS = 5  # of what follows; the first and the last are compared
LAG_SECONDS = 30.0  # of the load; a burst of hostile records is worked off within it


class Sample(NamedTuple):
    """A worker at one moment."""

    seconds: float
    resident_bytes: int
    lag: int
    documents: int  # classified
    dead_letters: int
    sent: int  # good documents

    def __str__(self) -> str:
        return (
            f"{self.seconds:6.0f} s  {self.resident_bytes / 2**20:6.0f} MiB  lag {self.lag:6}  classified "
            f"{self.documents}, dead letters {self.dead_letters}"
        )


def windows(samples: Sequence[Sample]) -> list[list[Sample]]:
    """The samples after the warm-up in WINDOWS parts of equal length."""
    kept = list(samples[int(len(samples) * WARM_UP_RATIO) :])
    size = max(1, len(kept) // WINDOWS)
    return [kept[first : first + size] for first in range(0, size * WINDOWS, size)]


@dataclass
class Account:
    """The samples of a run at `load` documents a second."""

    load: float
    samples: list[Sample] = field(default_factory=list)

    def report(self, last: Sample, documents: int, dead_letters: int) -> bool:
        """Print what was found, and compare `last` with what was sent; returns whether all is well."""
        if len(self.samples) < 2 * WINDOWS:
            print("too short to say anything")
            return False
        parts = windows(self.samples)
        memory = [statistics.median(each.resident_bytes for each in part) for part in parts]
        lag = [statistics.median(each.lag for each in part) for part in parts]
        growth = memory[-1] / memory[0] - 1
        highest = max(each.lag for part in parts for each in part)
        print(
            f"memory, medians of {WINDOWS} windows: {', '.join(f'{each / 2**20:.0f}' for each in memory)} MiB"
        )
        print(f"lag, medians: {', '.join(f'{each:.0f}' for each in lag)} records; highest {highest}")
        findings = {
            f"memory grew by {growth:.1%} (at most {GROWTH_RATIO:.0%})": growth <= GROWTH_RATIO,
            f"lag was at most {highest / self.load:.1f} s of the load ({LAG_SECONDS:.0f} allowed)": (
                highest <= LAG_SECONDS * self.load
            ),
            f"{last.documents} of {documents} good documents were classified": last.documents == documents,
            f"{last.dead_letters} of {dead_letters} bad records were answered": last.dead_letters
            == dead_letters,
        }
        for what, well in findings.items():
            print(f"{'ok   ' if well else 'WRONG'} {what}")
        return all(findings.values())
