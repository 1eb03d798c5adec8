"""Generated inputs through every parser: no crash, no hang, no growth. `make fuzz` runs it.

    python tests/fuzz --seed 7                        a million inputs, in two processes
    python tests/fuzz --target document --inputs 10000
    python tests/fuzz --replay .fuzz/document-0a1b2c3d.bin
    python tests/fuzz --coverage --inputs 50000       how many lines of each parser are reached

A fault is an exception other than the parser's documented error, a property that does not hold, an input that takes
more than ten seconds of processor time, or a process that grows. Its input is saved in `.fuzz/` and can be replayed.
Inputs are made by a generator of our own: the parsers' own code is mostly C (msgspec, pandas, tokenizers), where a
fuzzer that is guided by Python's lines learns little.
"""

import argparse
import random
import sys
import time
from collections.abc import Sequence
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "support"))
sys.path.insert(0, str(Path(__file__).parents[2]))

from processes import quiet, run_all
from reached import lines_reached
from runner import Outcome, merged
from saved import replay, save
from targets import BY_NAME, TARGETS
from targets.target import Target

INPUTS = 1_000_000
FOLDER = Path(".fuzz")
LEAST_REACHED = 0.8  # of the lines of a parser


def counts(targets: Sequence[Target], inputs: int) -> list[int]:
    """How many inputs each target gets; at least as many as asked for in all."""
    whole = sum(target.inputs for target in targets)
    return [-(-target.inputs * inputs // whole) for target in targets]


def report(outcomes: Sequence[Outcome], seed: int, seconds: float) -> int:
    print(f"{'target':<24}{'inputs':>10}{'accepted':>10}{'slowest':>10}{'growth':>10}{'faults':>8}")
    for each in outcomes:
        print(
            f"{each.target:<24}{each.inputs:>10,}{each.accepted / max(1, each.inputs):>10.0%}"
            f"{each.slowest_seconds:>8.2f} s{each.growth_bytes / 2**20:>6.0f} MiB{each.seen.total():>8,}"
        )
    for fault in (fault for each in outcomes for fault in each.faults):
        print(f"FAULT {fault.target}: {fault.error.splitlines()[0][:160]}  {save(fault, seed, FOLDER)}")
    inputs, faults = sum(each.inputs for each in outcomes), sum(each.seen.total() for each in outcomes)
    print(f"{inputs:,} inputs, {len(outcomes)} targets, seed {seed}, {seconds:.0f} s, {faults:,} faults")
    return int(faults > 0)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--seed", type=int, help="[default: another one each time; it is printed]")
    parser.add_argument("--inputs", type=int, default=INPUTS, help="of all targets together")
    parser.add_argument(
        "--target", action="append", choices=list(BY_NAME), help="only this one; may be repeated"
    )
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--replay", type=Path, nargs="+", metavar="FILE", help="saved inputs, each once")
    parser.add_argument(
        "--coverage", action="store_true", help="report the lines of each parser that are reached"
    )
    arguments = parser.parse_args()
    if arguments.replay:
        try:
            replay(arguments.replay)
        except (LookupError, OSError) as error:
            parser.error(str(error))
        return 0
    seed = random.SystemRandom().randrange(2**32) if arguments.seed is None else arguments.seed
    targets = [target for target in TARGETS if not arguments.target or target.name in arguments.target]
    if arguments.coverage:
        quiet()
        return lines_reached(targets, counts(targets, arguments.inputs), seed, LEAST_REACHED)
    begin = time.monotonic()
    outcomes = merged(run_all(targets, seed, counts(targets, arguments.inputs), arguments.processes))
    return report(outcomes, seed, time.monotonic() - begin)


if __name__ == "__main__":
    sys.exit(main())
