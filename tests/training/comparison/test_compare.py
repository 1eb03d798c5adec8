"""`bearwatch compare` with a tiny BERT: every cell is run once, and its result is stored and reported."""

import html
import json
from datetime import UTC, datetime
from pathlib import Path

import msgspec
import pytest
from click.testing import CliRunner
from comparison_results import result

import training.comparison.folder
from bearwatch.commands.compare import command
from models.engines import ENGINES
from models.manifest import Dataset, load_manifest, sha256_of
from training.comparison.cells import BAYES, BERT, LOGISTIC, SIMPLE, SVM, VARIANTS, Cell, Result, Task
from training.comparison.compare import Comparison, compare
from training.comparison.folder import locked_folder
from training.comparison.inputs import notes, possibly_seen
from training.comparison.run_cell import run
from training.config import Distillation, Head, TrainingConfig
from training.errors import TrainingConfigError, TrainingError

NOW = datetime(2026, 3, 1, tzinfo=UTC)


@pytest.fixture(scope="module")
def compared(folder: Path) -> tuple[Path, str]:
    """The folder of a whole comparison and the output of the command. Cells run in this process, for speed."""
    arguments = [
        str(folder / "config.toml"),
        "--data-dir",
        str(folder / "data"),
        "--out",
        str(folder / "out"),
    ]
    arguments += ["--model", str(folder / "model"), "--label-percents", "60,100"]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(
            training.comparison.folder, "run_in_own_process", lambda cell, task, log: run(cell, task)
        )
        result = CliRunner().invoke(command, arguments, catch_exceptions=False)
    assert result.exit_code == 0
    return folder / "out", result.stdout


def again(config: TrainingConfig, folder: Path, out: Path, *label_percents: float) -> Comparison:
    return compare(
        config,
        folder / "data",
        out,
        name="tiny",
        model=folder / "model",
        label_percents=label_percents,
        created=NOW,
    )


def test_every_cell_has_its_figures(compared: tuple[Path, str]) -> None:
    out, _ = compared
    comparison = json.loads((out / "compare.json").read_text())
    cells = {(each["cell"]["method"], each["cell"]["label_percent"]): each for each in comparison["cells"]}
    assert set(cells) == {(method, percent) for method in (*SIMPLE, BERT) for percent in (60.0, 100.0)}
    for (method, percent), each in cells.items():
        figures = each["metrics"]["sentiment"]
        assert (figures["ece"] is None) == (method == SVM)
        assert tuple(figures["variants"]) == VARIANTS
        assert figures["variants"]["clean"] == figures["accuracy"] == figures["sets"]["check"]
        assert figures["documents_per_second"] > 0
        assert each["size_bytes"] > 0
        assert (each["engine"] in ENGINES) if method == BERT else (each["engine"] == "scikit-learn")
        given = (method, percent) == (BERT, 100.0)
        assert (each["training_seconds"] is None) == (each["peak_memory_bytes"] is None) == given
        assert "right" not in each
    assert cells[LOGISTIC, 100.0]["metrics"]["sentiment"]["accuracy"] == 1.0
    assert not (out / "scratch").exists()


def test_report_says_the_same(compared: tuple[Path, str]) -> None:
    out, output = compared
    page = (out / "report.html").read_text()
    comparison = json.loads((out / "compare.json").read_text())
    for each in comparison["cells"]:
        figures = each["metrics"]["sentiment"]
        for figure in (figures["accuracy"], figures["macro_f1"], figures["variants"]["typing 10 %"]):
            assert f"{figure:.3f}" in page
        assert f"{figures['documents_per_second']:,.0f}" in page
    assert page.count('<svg viewBox="0 0 360 260"') == 3
    assert "no probabilities" in page
    assert "://" not in page  # it needs nothing from elsewhere
    lines = output.splitlines()
    decision = lines[lines.index("sentiment:") + 1].strip()
    assert decision in html.unescape(page)
    assert "The simple classifier is" in decision
    (engine,) = {each["engine"] for each in comparison["cells"] if each["cell"]["method"] == BERT}
    assert f"with {engine} on" in output and f"<td>{engine}</td>" in page


def test_finished_cells_are_not_filled_in_again(
    compared: tuple[Path, str], config: TrainingConfig, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out, _ = compared
    run_again: list[Cell] = []

    def here(cell: Cell, task: Task, log: Path) -> Result:
        run_again.append(cell)
        return run(cell, task)

    monkeypatch.setattr(training.comparison.folder, "run_in_own_process", here)
    before = again(config, folder, out, 60.0, 100.0)
    assert not run_again
    lost_cell = Cell(BAYES, 100.0, "sentiment")
    (out / "cells" / lost_cell.file).unlink()
    after = again(config, folder, out, 60.0, 100.0)
    assert run_again == [lost_cell]
    assert after.answers[0].steps == before.answers[0].steps


def test_interrupted_comparison_continues(
    config: TrainingConfig, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cells: list[Cell] = []

    def dies_at_the_third(cell: Cell, task: Task, log: Path) -> Result:
        cells.append(cell)
        if len(cells) == 3:
            raise KeyboardInterrupt
        return result(cell.method, cell.label_percent, "11")

    monkeypatch.setattr(training.comparison.folder, "run_in_own_process", dies_at_the_third)
    with pytest.raises(KeyboardInterrupt):
        again(config, folder, tmp_path, 100.0)
    comparison = again(config, folder, tmp_path, 100.0)
    assert [each.method for each in cells] == [LOGISTIC, SVM, BAYES, BAYES, BERT]
    assert [each.cell.method for each in comparison.cells] == [LOGISTIC, SVM, BAYES, BERT]


def test_what_does_not_fit(config: TrainingConfig, folder: Path, tmp_path: Path) -> None:
    with pytest.raises(TrainingConfigError, match=r"heads\.sentiment: nothing to compare on"):
        again(msgspec.structs.replace(config, evaluation=()), folder, tmp_path / "out", 100.0)
    head = Head(labels=("positive", "neutral", "negative"))
    turned = msgspec.structs.replace(config, heads={"sentiment": head})
    with pytest.raises(TrainingConfigError, match=r"does not have heads\.sentiment with the labels"):
        again(turned, folder, tmp_path / "out", 100.0)
    assert not (tmp_path / "out").exists()
    (tmp_path / "mine.txt").touch()
    with pytest.raises(TrainingError, match="contains something else"):
        again(config, folder, tmp_path, 100.0)


def test_another_seed_is_another_comparison(
    compared: tuple[Path, str], config: TrainingConfig, folder: Path
) -> None:
    with pytest.raises(TrainingError, match="another configuration, seed or data"):
        again(msgspec.structs.replace(config, seed=4), folder, compared[0], 60.0, 100.0)


def test_another_value_is_another_comparison(compared: tuple[Path, str], folder: Path) -> None:
    arguments = [str(folder / "config.toml"), "--data-dir", str(folder / "data"), "--out", str(compared[0])]
    more = [
        "--model",
        str(folder / "model"),
        "--label-percents",
        "60,100",
        "--set",
        "hyperparameters.dropout=0.3",
    ]
    with pytest.raises(TrainingError, match="another configuration, seed or data"):
        CliRunner().invoke(command, [*arguments, *more], catch_exceptions=False)


def test_one_comparison_at_a_time(task: Task, tmp_path: Path) -> None:
    with (
        locked_folder(tmp_path, task),
        pytest.raises(TrainingError, match="another comparison is running"),
        locked_folder(tmp_path, task),
    ):
        pass
    with locked_folder(tmp_path, task):
        pass


def test_what_is_not_even_is_noted(folder: Path, config: TrainingConfig) -> None:
    manifest = load_manifest(folder / "model")
    more = (Dataset("tweets", "0", 1234, "train, unlabelled"), Dataset("sentiment", "0", 5, "train"))
    manifest = msgspec.structs.replace(manifest, datasets=more, teachers=("0", "1"))
    output = notes(msgspec.structs.replace(config, distillation=Distillation()), manifest, (5.0, 100.0), ())
    assert len(output) == 4
    assert "[distillation]: it was not used" in output[0]
    assert "2 teachers, tweets (1,234 texts, unlabelled)" in output[2]
    assert notes(config, None, (100.0,), ()) == ()


def test_a_model_that_may_have_seen_the_test_texts_is_noted(
    compared: tuple[Path, str], folder: Path, config: TrainingConfig, task: Task
) -> None:
    page = html.unescape((compared[0] / "report.html").read_text())
    assert "does not show that the texts of check were kept out of its training" in page
    manifest, sha256 = load_manifest(folder / "model"), sha256_of(folder / "data" / "check.csv")
    for use, rows, seen in (
        ("validation", 2, ()),
        ("validation", 1, ("check",)),  # another part of the file
        ("train", 2, ("check",)),
    ):
        trained = msgspec.structs.replace(manifest, datasets=(Dataset("other name", sha256, rows, use),))
        assert possibly_seen(config, trained, task.tests, folder / "data") == seen
