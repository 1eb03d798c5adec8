"""BERT as a cell of a comparison: fine-tuned on the cell's texts and exported."""

import shutil
from time import perf_counter

from training.comparison.cells import Task, Trained
from training.comparison.exported_model import exported
from training.comparison.memory import peak_memory_bytes
from training.export.artifact import export
from training.fit.precision import best_precision
from training.fit.training_run import fit


def fine_tuned(task: Task) -> Trained:
    """The same way as `bearwatch train` and `bearwatch export`; what is timed ends before the export.

    A training that was interrupted begins afresh: its seconds would not be known otherwise.
    """
    shutil.rmtree(task.scratch, ignore_errors=True)
    run, model = task.scratch / "run", task.scratch / "model"
    began = perf_counter()
    best = fit(task.config, task.data, run, resume=False, precision=best_precision(), corpus=task.corpus)
    seconds, memory = perf_counter() - began, peak_memory_bytes()
    export([run], model, None, task.created)
    trained = exported(model, f"epoch {best.epoch}", seconds, memory)
    shutil.rmtree(task.scratch)
    return trained
