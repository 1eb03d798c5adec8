"""`bearwatch evaluate` on a model whose answers the test knows."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner
from keyword_model import write_keyword_model

from bearwatch.commands.evaluate import command
from training.errors import TrainingError

ROWS = (
    "text,label\nnegative oil,negative\nneutral bank,neutral\npositive oil,negative\npositive bank,positive\n"
)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    write_keyword_model(tmp_path / "model")
    (tmp_path / "data.csv").write_text(ROWS)
    return tmp_path


def run(folder: Path, data: str, *more: str, task: str = "sentiment", label: str = "label") -> str:
    arguments = ["--model", str(folder / "model"), "--data", str(folder / data), "--task", task]
    arguments += ["--text", "text", "--label", label, *more]
    result = CliRunner().invoke(command, arguments, catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.stdout


def test_json(folder: Path) -> None:
    figures = json.loads(run(folder, "data.csv", "--json"))
    assert set(figures) == {"accuracy", "macro_f1", "weighted_f1", "per_class", "confusion", "ece", "n"}
    assert figures["accuracy"] == 0.75
    assert figures["n"] == 4
    assert figures["confusion"] == [[1, 0, 1], [0, 1, 0], [0, 0, 1]]
    assert figures["per_class"]["negative"] == {"precision": 1.0, "recall": 0.5, "f1": 2 / 3, "support": 2}


def test_table(folder: Path) -> None:
    output = run(folder, "data.csv")
    assert "accuracy 0.7500" in output
    assert "positive (1)" in output


def test_excluded_rows_are_left_out(folder: Path) -> None:
    (folder / "rows.txt").write_text("2\n")
    figures = json.loads(run(folder, "data.csv", "--exclude", str(folder / "rows.txt"), "--json"))
    assert (figures["accuracy"], figures["n"]) == (1.0, 3)


def test_numbers_mean_the_order_of_the_labels_unless_said(folder: Path) -> None:
    (folder / "numbers.csv").write_text("text,label\nnegative oil,0\nneutral bank,1\npositive oil,2\n")
    assert json.loads(run(folder, "numbers.csv", "--json"))["accuracy"] == 1
    (folder / "numbers.jsonl").write_text(
        '{"text": "neutral oil", "label": 2}\n{"text": "positive", "label": 1}\n'
    )
    said = run(folder, "numbers.jsonl", "--labels", "negative,positive,neutral", "--json")
    assert json.loads(said)["accuracy"] == 1


def test_wrong_use_is_told(folder: Path) -> None:
    with pytest.raises(TrainingError, match="no head 'sentiments'; did you mean 'sentiment'"):
        run(folder, "data.csv", task="sentiments")
    with pytest.raises(TrainingError, match="no column 'lable'; did you mean 'label'"):
        run(folder, "data.csv", label="lable")
    with pytest.raises(TrainingError, match="sentiment has no label 'positve'; did you mean 'positive'"):
        run(folder, "data.csv", "--labels", "negative,positve")
    (folder / "numbers.csv").write_text("text,label\nneutral oil,2\n")
    with pytest.raises(TrainingError, match="row 0: unknown label '2'"):
        run(folder, "numbers.csv", "--labels", "negative,positive")
