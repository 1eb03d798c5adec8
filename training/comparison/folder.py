"""The folder of a comparison, in which its cells are run one after the other and their results stored."""

import fcntl
import hashlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import msgspec
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from bearwatch.core.console import PlainConsole
from bearwatch.core.decoding import decode_json
from training.comparison.cells import BERT, Cell, Result, Task
from training.comparison.run_cell import run_in_own_process
from training.data.corpus import Corpus
from training.errors import TrainingError
from training.files import write_file

CELLS, IDENTITY, LOG = "cells", "comparison.sha256", "compare.log"


@contextmanager
def locked_folder(out: Path, task: Task) -> Iterator[None]:
    """Create the folder, or check that it contains a comparison of the same configuration and data, and lock it.

    Raises:
        TrainingError: it contains something else, another comparison is running there, or it cannot be written.
    """
    texts = [(head, tests.texts, tests.truth.tolist()) for head, tests in task.tests.items()]
    content = msgspec.json.encode((task.config, task.corpus.train, task.corpus.dev, texts))
    identity = hashlib.sha256(content).hexdigest()
    try:
        (out / CELLS).mkdir(parents=True, exist_ok=True)
        if not (out / IDENTITY).exists() and {path.name for path in out.iterdir()} == {CELLS}:
            (out / IDENTITY).write_text(identity)
        same = (out / IDENTITY).exists() and (out / IDENTITY).read_text() == identity
    except OSError as error:
        raise TrainingError(f"{out}: cannot be used: {error.strerror}") from error
    if not same:
        raise TrainingError(
            f"{out} contains something else, or a comparison of another configuration, seed or data; choose another "
            "folder"
        )
    with (out / IDENTITY).open() as file:  # closing it, or the end of the process, releases the lock
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise TrainingError(f"{out}: another comparison is running there; wait until it ends") from None
        yield


def run_cells(cells: Sequence[Cell], task: Task, parts: Mapping[float, Corpus], out: Path) -> list[Result]:
    """The result of every cell; stored results of an earlier run are read. `parts`: percentage -> its texts."""
    done = [result for cell in cells if (result := _read(out / CELLS / cell.file))]
    missing = [cell for cell in cells if cell not in {each.cell for each in done}]
    columns = (
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        TimeElapsedColumn(),
        TextColumn("left"),
        TimeRemainingColumn(elapsed_when_finished=True),
    )
    with Progress(*columns, console=PlainConsole(stderr=True)) as progress:
        work = {cell: _work(cell, parts[cell.label_percent], task) for cell in missing}
        shown = progress.add_task("", total=sum(work.values()))
        for number, cell in enumerate(missing, len(cells) - len(missing) + 1):
            progress.update(shown, description=f"{number} of {len(cells)}: {cell.name}")
            result = run_in_own_process(cell, replace(task, corpus=parts[cell.label_percent]), out / LOG)
            _write(out / CELLS / cell.file, result)
            done.append(result)
            progress.advance(shown, work[cell])
    return done


def _work(cell: Cell, part: Corpus, task: Task) -> float:
    """About how many seconds a cell takes on two cores, for the time left that is shown."""
    tested = sum(len(tests.texts) for tests in task.tests.values())
    if cell.method == BERT:
        trained = 0 if cell.model else len(part.train) * task.config.hyperparameters.epochs
        return 20 + 0.01 * tested + trained / 50
    return 5 + len(part.train) / 1000


def _read(path: Path) -> Result | None:
    try:
        return decode_json(path.read_bytes(), Result)
    except FileNotFoundError:
        return None
    except (OSError, msgspec.DecodeError) as error:
        raise TrainingError(
            f"{path}: not the result of a cell ({error}); delete it, and the cell is run again"
        ) from error


def _write(path: Path, result: Result) -> None:
    write_file(path, msgspec.json.encode(result))
