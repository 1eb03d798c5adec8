"""BERT in a comparison: fine-tuned on the texts of a cell and exported."""

import shutil
from time import perf_counter

from training.comparison.cells import Task, Trained
from training.comparison.exported_model import exported
from training.comparison.memory import peak_memory_bytes
from training.export.artifact import export
from training.fit.precision import best_precision
from training.fit.training_run import fit


def fine_tuned(task: Task) -> Trained:
    """Fine-tune and export as `bearwatch train` and `bearwatch export` do; the measured time ends before the export.

    An interrupted training starts again from the beginning, because its time would not be known otherwise.

    Raises:
        TrainingError, ModelError: the training or the export failed.
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
