"""Runs inputs through targets: catches what is raised, bounds the time of an input and the growth of the process."""

import gc
import random
import signal
import time
import traceback
import warnings
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from types import FrameType

import psutil
from targets.target import Target

# Of this process for one input; other processes do not count, so a busy machine does no harm.
CPU_SECONDS = 10.0
GROWTH_BYTES = 64 * 2**20  # of a target's inputs after the first fifth, which fills caches
SAVED = 3  # inputs of each fault


class TooSlow(BaseException):
    """An input took too long. Not an Exception: a parser must not catch it."""


@dataclass(frozen=True)
class Fault:
    """An input that a target does not handle."""

    target: str
    number: int  # of the input
    given: bytes
    error: str  # type and text
    trace: str


@dataclass
class Outcome:
    """What some inputs of one target came to."""

    target: str
    inputs: int = 0
    accepted: int = 0
    slowest_seconds: float = 0.0  # of processor time
    growth_bytes: int = 0
    faults: list[Fault] = field(default_factory=list)
    seen: Counter[str] = field(default_factory=Counter)  # by place in the code

    def add(self, other: "Outcome") -> None:
        """Put the outcome of other inputs of the same target into this one."""
        self.inputs += other.inputs
        self.accepted += other.accepted
        self.slowest_seconds = max(self.slowest_seconds, other.slowest_seconds)
        self.growth_bytes = max(self.growth_bytes, other.growth_bytes)
        self.faults += other.faults
        self.seen += other.seen


def generate(target: Target, seed: int, number: int) -> bytes:
    """The input of this number; it depends on nothing else."""
    return target.make(random.Random(f"{seed}/{target.name}/{number}"))


def run(
    target: Target,
    seed: int,
    numbers: range,
    at: Callable[[int], object] = lambda _: None,
    cpu_seconds: float = CPU_SECONDS,
    growth_bytes: int = GROWTH_BYTES,
) -> Outcome:
    """Generate the inputs of these numbers and check each; `at` is called with the number of each before."""
    outcome, process = Outcome(target.name), psutil.Process()
    warm = numbers[len(numbers) // 5 :][:1]
    held = 0
    with _limited(cpu_seconds) as timed:
        for number in numbers:
            if number in warm:
                held = _memory(process)
            at(number)
            given = generate(target, seed, number)
            begin = time.process_time()
            try:
                outcome.accepted += timed(target.check, given)
            except KeyboardInterrupt:
                raise
            except BaseException as error:  # a panic of Rust is not an Exception
                _note(outcome, Fault(target.name, number, given, _said(error), traceback.format_exc()), error)
            outcome.inputs += 1
            outcome.slowest_seconds = max(outcome.slowest_seconds, time.process_time() - begin)
    if len(numbers) > 100:
        outcome.growth_bytes = max(0, _memory(process) - held)
    if outcome.growth_bytes > growth_bytes:
        error = f"the process grew by {outcome.growth_bytes >> 20} MiB over {len(numbers) * 4 // 5} inputs"
        outcome.faults.append(Fault(target.name, numbers[-1], b"", error, ""))
        outcome.seen["growth"] += 1
    return outcome


@contextmanager
def _limited(cpu_seconds: float) -> Iterator[Callable[[Callable[[bytes], bool], bytes], bool]]:
    """A way to call a check that raises TooSlow after so much processor time; warnings are errors."""

    def expired(_: int, __: FrameType | None) -> None:
        raise TooSlow(f"more than {cpu_seconds:g} s of processor time")

    def timed(check: Callable[[bytes], bool], given: bytes) -> bool:
        signal.setitimer(signal.ITIMER_VIRTUAL, cpu_seconds)
        try:
            return check(given)
        finally:
            signal.setitimer(signal.ITIMER_VIRTUAL, 0)

    before = signal.signal(signal.SIGVTALRM, expired)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            yield timed
    finally:
        signal.signal(signal.SIGVTALRM, before)


def _memory(process: psutil.Process) -> int:
    gc.collect()
    size: int = process.memory_info().rss
    return size


def _said(error: BaseException) -> str:
    return f"{type(error).__name__}: {error}"[:500]


def _note(outcome: Outcome, fault: Fault, error: BaseException) -> None:
    """Keep a few inputs of each place in the code, and count the others."""
    frames = traceback.extract_tb(error.__traceback__)
    last, check = frames[-1], frames[min(2, len(frames) - 1)]
    place = f"{type(error).__name__} {last.filename}:{last.lineno} {check.lineno}"
    outcome.seen[place] += 1
    if outcome.seen[place] <= SAVED:
        outcome.faults.append(fault)


def merged(outcomes: Iterable[Outcome]) -> list[Outcome]:
    """One outcome for each target, in order of appearance."""
    found: dict[str, Outcome] = {}
    for each in outcomes:
        found.setdefault(each.target, Outcome(each.target)).add(each)
    return list(found.values())
