"""One cell of a comparison, in this process and in one of its own."""

import resource
from dataclasses import replace
from pathlib import Path

import msgspec
import pytest

from models.errors import ModelError
from training.comparison.cells import BERT, SIMPLE, SVM, Cell, Task
from training.comparison.run_cell import run, run_in_own_process
from training.config import TrainingConfig
from training.errors import TrainingError

OWN_PROCESS = pytest.mark.timeout(1800)  # a new process imports some hundred MB, on whatever machine this is


@pytest.mark.parametrize("method", SIMPLE)
def test_traditional_methods_are_deterministic(method: str, task: Task) -> None:
    def figures() -> tuple[object, ...]:
        result = run(Cell(method, 100.0, "sentiment"), task)
        timeless = msgspec.structs.replace(result.metrics["sentiment"], documents_per_second=0)
        return timeless, result.right, result.chosen, result.size_bytes

    assert figures() == figures()


def test_any_seed_of_a_configuration_works(task: Task, config: TrainingConfig) -> None:
    large = replace(task, config=msgspec.structs.replace(config, seed=2**63 - 1))
    assert run(Cell(SVM, 100.0, "sentiment"), large).metrics["sentiment"].accuracy == 1.0


@pytest.mark.parametrize("method", SIMPLE)
def test_a_label_without_texts_is_never_predicted(method: str, task: Task) -> None:
    train = tuple(each for each in task.corpus.train if each.label != "neutral")
    result = run(Cell(method, 100.0, "sentiment"), replace(task, corpus=replace(task.corpus, train=train)))
    assert result.metrics["sentiment"].accuracy == 1.0  # columns stay in the head's order


@OWN_PROCESS
def test_a_process_of_its_own_counts_its_own_memory(task: Task, tmp_path: Path) -> None:
    """This process has loaded torch; the one of a traditional method has not."""
    result = run_in_own_process(Cell(SVM, 100.0, "sentiment"), task, tmp_path / "log")
    assert result.metrics["sentiment"].accuracy == 1.0
    here = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    assert result.peak_memory_bytes is not None
    assert 0 < 1.5 * result.peak_memory_bytes < here


@OWN_PROCESS
def test_a_cell_that_dies_is_named(task: Task, tmp_path: Path) -> None:
    with pytest.raises(
        TrainingError, match=r"no such method, 5 % of the labels, sentiment: its process ended with 1"
    ):
        run_in_own_process(Cell("no such method", 5.0, "sentiment"), task, tmp_path / "log")
    assert "KeyError" in (tmp_path / "log").read_text()


@OWN_PROCESS
def test_an_error_of_a_cell_is_raised_here(task: Task, tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="there is no model here"):
        run_in_own_process(Cell(BERT, 100.0, None, "0"), replace(task, model=tmp_path), tmp_path / "log")
