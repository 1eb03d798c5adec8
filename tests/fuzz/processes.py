"""The targets in several processes, which are watched: one that hangs or dies is a fault of its input."""

import logging
import multiprocessing
import os
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from multiprocessing.connection import Connection
from typing import Any

import psutil
from runner import CPU_SECONDS, Fault, Outcome, generate, run
from targets.target import Target

POLL_SECONDS = 1.0
# What runs in C cannot be interrupted from Python; a wait takes no processor time.
HANG_CPU_SECONDS = 6 * CPU_SECONDS
HANG_SECONDS = 900.0


@dataclass
class Child:
    """One process; `place` holds the index of its target and the number of its input."""

    process: Any
    results: Connection
    place: Any
    before: tuple[int, int] = (-1, -1)
    since: float = 0.0  # steady clock
    cpu: float = 0.0  # of the process, when it came to that place

    def hangs(self, now: float) -> bool:
        here = (self.place[0], self.place[1])
        try:
            times = psutil.Process(self.process.pid).cpu_times()
        except psutil.Error:
            return False
        cpu = times.user + times.system
        if here != self.before:
            self.before, self.since, self.cpu = here, now, cpu
        return cpu - self.cpu > HANG_CPU_SECONDS or now - self.since > HANG_SECONDS


def run_all(targets: Sequence[Target], seed: int, counts: Sequence[int], processes: int) -> list[Outcome]:
    """Each process takes every n-th input of each target; gives the outcomes in any order."""
    context = multiprocessing.get_context("spawn")
    children = []
    for first in range(processes):
        results, sender = context.Pipe(duplex=False)
        place = context.Array("q", [0, 0], lock=False)
        names = [target.name for target in targets]
        ranges = [range(first, count, processes) for count in counts]
        process = context.Process(target=_work, args=(names, seed, ranges, place, sender), daemon=True)
        process.start()
        sender.close()
        children.append(Child(process, results, place))
    return [outcome for each in _finished(children) for outcome in _outcomes(each, targets, seed)]


def _work(names: list[str], seed: int, ranges: list[range], place: Any, results: Connection) -> None:
    from targets import BY_NAME

    quiet()
    for index, (name, numbers) in enumerate(zip(names, ranges, strict=True)):
        place[0], place[1] = index, numbers.start

        def at(number: int) -> None:
            place[1] = number

        results.send(run(BY_NAME[name], seed, numbers, at))
    results.close()


def quiet() -> None:
    """What parsers log about bad input is not of interest, and Rust writes panics to standard error by itself."""
    logging.disable(logging.CRITICAL)
    os.environ["TOKENIZERS_PARALLELISM"] = "false"
    os.environ["RUST_BACKTRACE"] = "0"
    sys.stderr.flush()
    os.dup2(os.open(os.devnull, os.O_WRONLY), 2)


def _finished(children: list[Child]) -> Iterator[Child]:
    """Each child once it has ended; one that hangs is killed."""
    waiting = list(children)
    while waiting:
        for child in list(waiting):
            if not child.process.is_alive():
                waiting.remove(child)
                yield child
            elif child.hangs(time.monotonic()):
                child.process.kill()
        if not _drain(waiting):
            time.sleep(POLL_SECONDS)


_received: dict[int, list[Outcome]] = {}


def _drain(children: list[Child]) -> bool:
    """Take over what has been sent, so that no pipe is full."""
    took = False
    for child in children:
        while child.results.poll():
            try:
                _received.setdefault(id(child), []).append(child.results.recv())
                took = True
            except EOFError:
                break
    return took


def _outcomes(child: Child, targets: Sequence[Target], seed: int) -> list[Outcome]:
    _drain([child])
    child.process.join()
    outcomes, code = _received.pop(id(child), []), child.process.exitcode
    if code:
        target, number = targets[child.place[0]], child.place[1]
        error = f"the process hung or ended with {code}; the inputs of its other targets were not run"
        fault = Fault(target.name, number, generate(target, seed, number), error, "")
        outcomes.append(Outcome(target.name, faults=[fault]))
        outcomes[-1].seen[error] += 1
    return outcomes
