"""Write the tables of docs/DETECTION.md: what each detector finds, and how often it fires where nothing happens.

    python -m benchmarks.detection [--seeds 10] [--keys 4] [--rates 6 24 120 480] [--parts compared deployed scenes]

A seed is a desk of `--keys` keys of one volume, with 21 days of history and 28 of test each. At 480 stories an
hour a third of the seeds is played. `compared` sets every threshold on the test itself, so that all have one rate of
false alarms; `deployed` takes fits and threshold from the histories, as the product has to.
"""

import argparse
import os
from collections.abc import Callable, Iterable
from concurrent.futures import Executor, ProcessPoolExecutor
from functools import partial
from itertools import chain

import numpy as np

from benchmarks.detection import lineup, tables
from benchmarks.detection.population import keys
from benchmarks.detection.scene_table import Played, play
from benchmarks.detection.scoring import Outcome, compared
from benchmarks.detection.shapes import Shape, harsh, plain
from benchmarks.detection.shipped import shipped
from benchmarks.detection.streams import Floats, Stream

BUDGET = 0.5  # false alarms a key and week
FIRST_SEED = 1_000  # smaller ones are for trying things out
SHIPPED_RATES = (24.0,)  # the product's own policy takes twenty times as long as all others together
SHAPES: dict[str, Callable[[float, np.random.Generator], Shape]] = {
    "plain": plain,
    "harsh": partial(harsh, unrecognised=0.05),
    "harsh, comments": partial(harsh, unrecognised=0.05, comments=True),
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--keys", type=int, default=4)
    parser.add_argument("--rates", type=float, nargs="+", default=[6.0, 24.0, 120.0, 480.0])
    parser.add_argument(
        "--parts",
        nargs="+",
        default=["compared", "deployed", "scenes"],
        choices=["compared", "deployed", "scenes"],
    )
    parser.add_argument("--shapes", nargs="+", default=list(SHAPES), choices=list(SHAPES))
    parser.add_argument("--processes", type=int, default=os.cpu_count())
    arguments = parser.parse_args()
    with ProcessPoolExecutor(arguments.processes) as pool:
        for rate in arguments.rates:
            count = arguments.seeds if rate < 480 else max(1, arguments.seeds // 3)
            seeds = range(FIRST_SEED, FIRST_SEED + count)
            if "compared" in arguments.parts:
                for shape in arguments.shapes:
                    compare(pool, shape, rate, seeds, arguments.keys)
            if "deployed" in arguments.parts:
                deploy(pool, arguments.shapes, rate, seeds, arguments.keys)
            if "scenes" in arguments.parts and rate < 480:
                play_scenes(pool, rate, seeds, arguments.keys)


def compare(pool: Executor, shape: str, rate: float, seeds: Iterable[int], count: int) -> None:
    """All detectors at the same rate of false alarms."""
    print(f"\n{rate:g} stories an hour, {shape}, every threshold set to {BUDGET} false alarms a week\n")
    print(tables.heading(tables.HEADINGS), flush=True)
    streams = [stream for seed in seeds for stream in keys(SHAPES[shape], rate, seed, count)]
    scores = list(pool.map(lineup.scores_of, streams))
    rng = np.random.default_rng(0)
    for name in scores[0]:
        found = lineup.at_equal_false_alarms(name, [each[name] for each in scores], streams, BUDGET)
        print(tables.row(name, found, rng), flush=True)
    if rate in SHIPPED_RATES:
        runs = list(pool.map(shipped, streams))
        print(
            tables.row("shipped policy as it is", [each for each, _ in map(as_shipped, runs, streams)], rng)
        )
        name = "shipped policy, threshold set"
        found = lineup.at_equal_false_alarms(name, [each for _, each in runs], streams, BUDGET)
        print(tables.row(name, found, rng), flush=True)


def as_shipped(run: tuple[np.ndarray, Floats], stream: Stream) -> tuple[Outcome, Floats]:
    """The alarms behind the history, compared with the surges there."""
    found, scores = run
    return compared(found[found[:, 0] >= stream.history], stream), scores


def deploy(pool: Executor, shapes: Iterable[str], rate: float, seeds: Iterable[int], count: int) -> None:
    """The filter with fits and threshold from the histories alone."""
    print(f"\n{rate:g} stories an hour, fits and threshold from 21 days of history, budget {BUDGET}\n")
    rng = np.random.default_rng(0)
    for shape in shapes:
        print(tables.heading(tables.HEADINGS), flush=True)
        for soft in (False, True):
            desks = pool.map(partial(_desk, shape, rate, count, soft), seeds)
            found = list(chain.from_iterable(desks))
            name = f"{shape}, {'probabilities' if soft else 'labels'}"
            print(tables.row(name, found, rng), flush=True)
        print(
            f"\nBy size, {shape}, probabilities: recall / median minutes\n\n{tables.by_size(found)}\n",
            flush=True,
        )


def _desk(shape: str, rate: float, count: int, soft: bool, seed: int) -> list[Outcome]:
    return lineup.deployed(keys(SHAPES[shape], rate, seed, count), BUDGET, soft, seed)


def play_scenes(pool: Executor, rate: float, seeds: Iterable[int], count: int) -> None:
    """Scenes in which nothing bad begins."""
    print(f"\n{rate:g} stories an hour, scenes, budget {BUDGET}\n", flush=True)
    desks = pool.map(partial(_scenes, rate, count), seeds)
    print(tables.scenes(chain.from_iterable(desks)), flush=True)


def _scenes(rate: float, count: int, seed: int) -> list[Played]:
    return play(rate, seed, count, BUDGET)


if __name__ == "__main__":
    main()
