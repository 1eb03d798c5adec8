"""Runs one cell of a comparison: trains a method on a percentage of the labels and evaluates it.

A process of its own makes its peak memory and its times independent of what earlier cells have loaded.
"""

import logging
import multiprocessing
import os
import sys
import threading
from collections.abc import Callable, Sequence
from multiprocessing.connection import Connection
from pathlib import Path
from statistics import median
from time import perf_counter

import numpy as np
from numpy.typing import NDArray

from bearwatch.core.logs import prepare
from models.errors import ModelError
from models.text import normalise
from training.comparison.cells import (
    BERT,
    CLEAN,
    TYPING_5,
    TYPING_10,
    UPPER,
    Cell,
    CellMetrics,
    Result,
    Task,
    Tests,
    Trained,
)
from training.comparison.noise import mistyped
from training.errors import TrainingError
from training.evaluation.intervals import bootstrap
from training.evaluation.metrics import measure

TIMED_TEXTS, TIMED_PASSES = 2000, 3


def run_in_own_process(cell: Cell, task: Task, log: Path) -> Result:
    """Run a cell in a new process, whose output is appended to `log`; it is killed when this process ends.

    Raises:
        TrainingError: training failed, or the process died.
        ModelError: a model cannot be loaded.
    """
    # Forked from a server that imports nothing, so that only its own memory counts.
    context = multiprocessing.get_context("forkserver")
    receiver, sender = context.Pipe(duplex=False)
    process = context.Process(target=_child, args=(sender, cell, task, log), daemon=True)
    process.start()
    sender.close()
    try:
        outcome = receiver.recv()
    except EOFError:
        process.join()
        raise TrainingError(
            f"{cell.name}: its process ended with {process.exitcode} (-9: killed, often because memory ran out); "
            f"see {log}"
        ) from None
    finally:
        process.kill()
        process.join()
    if isinstance(outcome, Result):
        return outcome
    raise outcome


def run(cell: Cell, task: Task) -> Result:
    """Train and evaluate in this process. Imports only what the method needs, because imports count in peak memory."""
    trained, heads = _trained(cell, task), [cell.head] if cell.head else list(task.tests)
    # (n, n_labels) each
    predictions = {head: trained.predict(task.tests[head].texts)[head] for head in heads}
    metrics = {
        head: _cell_metrics(
            task.config.heads[head].labels, head, task.tests[head], predictions[head], trained, task
        )
        for head in heads
    }
    right = {
        head: (predictions[head].argmax(1) == task.tests[head].truth).astype(int).tolist() for head in heads
    }
    return Result(
        cell,
        metrics,
        trained.chosen,
        trained.training_seconds,
        trained.peak_memory_bytes,
        trained.size_bytes,
        {head: "".join(map(str, bits)) for head, bits in right.items()},
        trained.engine,
    )


def _trained(cell: Cell, task: Task) -> Trained:
    if cell.model:
        from training.comparison.exported_model import exported

        return exported(task.model)
    if cell.method == BERT:
        from training.comparison.bert import fine_tuned

        return fine_tuned(task)
    from training.comparison.traditional import train

    assert cell.head is not None  # noqa: S101 - only BERT's cells are for all heads
    train_texts, dev = (
        [e for e in part if e.head == cell.head] for part in (task.corpus.train, task.corpus.dev)
    )
    return train(cell.method, cell.head, train_texts, dev, task.config)


def _cell_metrics(
    labels: Sequence[str],
    head: str,
    tests: Tests,
    predictions: NDArray[np.float64],
    trained: Trained,
    task: Task,
) -> CellMetrics:
    metrics = measure(labels, tests.truth, predictions)
    intervals = bootstrap(tests.truth, predictions, task.config.seed)
    right = predictions.argmax(1) == tests.truth
    plain = [normalise(text) for text in tests.texts]
    seed = task.config.seed
    noisy = {
        TYPING_5: [mistyped(text, 0.05, seed) for text in plain],
        TYPING_10: [mistyped(text, 0.10, seed) for text in plain],
        UPPER: [text.upper() for text in plain],
    }
    accuracies = {
        name: float((trained.predict(texts)[head].argmax(1) == tests.truth).mean())
        for name, texts in noisy.items()
    }
    return CellMetrics(
        accuracy=metrics.accuracy,
        accuracy_interval=intervals["accuracy"],
        macro_f1=metrics.macro_f1,
        macro_f1_interval=intervals["macro_f1"],
        ece=metrics.ece if trained.probabilities else None,
        sets={name: float(right[rows].mean()) for name, rows in tests.sets.items()},
        variants={CLEAN: metrics.accuracy} | accuracies,
        documents_per_second=_documents_per_second(trained.predict, tests.texts[:TIMED_TEXTS]),
    )


def _documents_per_second(predict: Callable[[Sequence[str]], object], texts: Sequence[str]) -> float:
    """The median of TIMED_PASSES passes, with normalising and vectorising or tokenising."""
    seconds = []
    for _ in range(TIMED_PASSES):
        began = perf_counter()
        predict(texts)
        seconds.append(perf_counter() - began)
    return len(texts) / median(seconds)


def _child(sender: Connection, cell: Cell, task: Task, log: Path) -> None:
    threading.Thread(target=_end_with_parent, daemon=True).start()
    with log.open("ab") as file:
        for stream in (1, 2):
            os.dup2(file.fileno(), stream)
    logging.basicConfig(level=logging.INFO, handlers=[prepare(logging.StreamHandler(sys.stderr))])
    logging.getLogger(__name__).info("%s", cell.name)
    try:
        sender.send(run(cell, task))
    except (TrainingError, ModelError) as error:
        sender.send(error)


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    assert parent is not None  # noqa: S101 - this is a child
    parent.join()
    os._exit(1)
