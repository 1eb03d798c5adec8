"""`bearwatch evaluate` on a model with known answers."""

import json
import re
from html.parser import HTMLParser
from pathlib import Path

import pandas as pd
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
    assert set(figures) == {
        *("accuracy", "macro_f1", "weighted_f1", "per_class", "confusion", "ece", "n"),
        *("brier", "intervals", "slices", "errors", "reliability"),
    }
    assert figures["accuracy"] == 0.75
    assert figures["n"] == 4
    assert figures["confusion"] == [[1, 0, 1], [0, 1, 0], [0, 0, 1]]
    assert figures["per_class"]["negative"] == {"precision": 1.0, "recall": 0.5, "f1": 2 / 3, "support": 2}
    assert figures["brier"] == pytest.approx(0.5, abs=0.01)  # one of four certain and wrong: 2 / 4
    assert set(figures["intervals"]) == {"accuracy", "macro_f1", "ece"}
    low, high = figures["intervals"]["accuracy"]
    assert low < 0.75 < high
    assert [one["n"] for one in figures["reliability"]] == [0] * 14 + [4]
    assert figures["errors"] == [
        {
            "row": 2,
            "text": "positive oil",
            "truth": "negative",
            "predicted": "positive",
            "probability": figures["errors"][0]["probability"],
        }
    ]
    assert figures["errors"][0]["probability"] > 0.99


def test_table(folder: Path) -> None:
    output = run(folder, "data.csv")
    assert re.search(r"accuracy 0\.7500 \[0\.\d{3}, 1\.000\]", output)
    assert "positive (1)" in output
    assert "4 *" in output and "* fewer than 30 rows: the figures are uncertain" in output
    assert "positive oil" in output
    assert "positive oil" not in run(folder, "data.csv", "--errors", "0")


def test_same_seed_same_intervals(folder: Path) -> None:
    rows = ["neutral oil,neutral", "positive oil,negative", "positive negative,positive"] * 20
    (folder / "data.csv").write_text("\n".join(["text,label", *rows]) + "\n")
    first = run(folder, "data.csv", "--json")
    assert run(folder, "data.csv", "--json", "--seed", "1") == first
    other = json.loads(run(folder, "data.csv", "--json", "--seed", "2"))
    assert other["intervals"] != json.loads(first)["intervals"]
    assert other["ece"] == json.loads(first)["ece"]


def test_most_confident_errors_first(folder: Path) -> None:
    """A text that names two sentiments leaves the model in doubt."""
    rows = ["text,label", "positive negative,neutral", "positive oil,neutral", "neutral,neutral"]
    (folder / "data.csv").write_text("\n".join(rows) + "\n")
    errors = json.loads(run(folder, "data.csv", "--json"))["errors"]
    assert [(error["row"], error["text"]) for error in errors] == [
        (1, "positive oil"),
        (0, "positive negative"),
    ]
    assert errors[1]["probability"] == pytest.approx(0.5, abs=0.01)
    errors = json.loads(run(folder, "data.csv", "--json", "--errors", "1"))["errors"]
    assert [error["row"] for error in errors] == [1]


@pytest.mark.parametrize("ending", ["csv", "jsonl", "parquet"])
def test_slices_by_columns_of_the_rows_that_count(folder: Path, ending: str) -> None:
    frame = pd.DataFrame(
        {
            "text": ["negative oil", "positive $XYZ bank", "positive oil", "neutral bank"],
            "label": ["negative", "negative", "positive", "neutral"],
            "stream": ["news", "comments", "news", None],
            "year": [2025, 2025, 2026, 2026],
        }
    )
    path = folder / f"sliced.{ending}"
    if ending == "csv":
        frame.to_csv(path, index=False)
    elif ending == "jsonl":
        frame.to_json(path, orient="records", lines=True)
    else:
        frame.to_parquet(path)
    (folder / "rows.txt").write_text("0\n")
    more = ["--by", "stream", "--by", "year", "--by", "stream", "--exclude", str(folder / "rows.txt")]
    groups = json.loads(run(folder, path.name, *more, "--json"))["slices"]
    assert [(one["by"], one["value"], one["n"], one["accuracy"]) for one in groups] == [
        ("length in words", "up to 8", 3, 2 / 3),
        ("a ticker such as $ABC", "with", 1, 0.0),
        ("a ticker such as $ABC", "without", 2, 1.0),
        ("stream", "(empty)", 1, 1.0),
        ("stream", "comments", 1, 0.0),
        ("stream", "news", 1, 1.0),
        ("year", "2026", 2, 1.0),
        ("year", "2025", 1, 0.0),
    ]
    assert all(
        one["too_small"] and one["accuracy_interval"][0] < one["accuracy_interval"][1] for one in groups
    )


class Page(HTMLParser):
    """What a browser would make of it: elements, their attributes, the visible text."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.attributes: set[str] = set()
        self.seen = ""
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes |= {name for name, _ in attrs}

    def handle_data(self, data: str) -> None:
        self.seen += data


HOSTILE = "positive </td><script>alert(1)</script><img src=x onerror=alert(2)> {{ 7 * 7 }} &lt;b&gt;"


def test_report(folder: Path) -> None:
    pd.DataFrame(
        {
            "text": [HOSTILE, "neutral bank", "negative $ABC", "positive oil"],
            "label": ["neutral", "neutral", "negative", "positive"],
            "source": ["<svg onload=alert(3)>", "desk", "desk", "desk"],
        }
    ).to_json(folder / "data.jsonl", orient="records", lines=True)
    path = folder / "report.html"
    output = run(folder, "data.jsonl", "--by", "source", "--report", str(path))
    assert "accuracy 0.7500" in output
    html = path.read_text("utf-8")
    page = Page(html)
    for expected in (
        *("data.jsonl", "sentiment", "keywords", "0.7500", "Brier score", "macro-F1", "calibration error"),
        *("Confusion", "Reliability", "Slices", "length in words", "a ticker such as $ABC"),
        *(HOSTILE, "<svg onload=alert(3)>", "too few for reliable figures"),
    ):
        assert expected in page.seen, expected
    assert "svg" in page.tags
    assert not page.tags & {"script", "img", "link", "iframe", "object", "image", "use"}
    assert not page.attributes & {"src", "href", "onerror", "onload"}
    assert "url(" not in html and "@import" not in html


def test_report_that_cannot_be_written(folder: Path) -> None:
    with pytest.raises(TrainingError, match="the report cannot be written: No such file or directory"):
        run(folder, "data.csv", "--report", str(folder / "missing" / "report.html"))


def test_report_on_a_file_whose_name_is_not_text(folder: Path) -> None:
    odd = "odd-\udcff.csv"  # the byte 0xFF
    (folder / odd).write_bytes((folder / "data.csv").read_bytes())
    run(folder, odd, "--report", str(folder / "report.html"))
    assert "odd-\\udcff.csv" in (folder / "report.html").read_text("utf-8")


def test_a_terminal_obeys_no_text(folder: Path) -> None:
    texts = ["positive \x9b31m\u202e[bold]x[/bold] :smile:", "neutral"]
    frame = pd.DataFrame({"text": texts, "label": ["negative", "neutral"], "source": ["\x1b[2J", "desk"]})
    frame.to_json(folder / "data.jsonl", orient="records", lines=True)
    table = run(folder, "data.jsonl", "--by", "source")
    assert not {"\x1b", "\x9b", "\u202e"} & set(table)
    assert "[bold]" in table and ":smile:" in table
    output = run(folder, "data.jsonl", "--by", "source", "--json")
    assert output.rstrip("\n").isprintable()
    assert json.loads(output)["errors"][0]["text"] == texts[0]


def test_excluded_rows_are_left_out(folder: Path) -> None:
    (folder / "rows.txt").write_text("2\n")
    figures = json.loads(run(folder, "data.csv", "--exclude", str(folder / "rows.txt"), "--json"))
    assert (figures["accuracy"], figures["n"]) == (1.0, 3)


def test_numbers_mean_the_order_of_the_labels_unless_mapped(folder: Path) -> None:
    (folder / "numbers.csv").write_text("text,label\nnegative oil,0\nneutral bank,1\npositive oil,2\n")
    assert json.loads(run(folder, "numbers.csv", "--json"))["accuracy"] == 1
    (folder / "numbers.jsonl").write_text(
        '{"text": "neutral oil", "label": 2}\n{"text": "positive", "label": 1}\n'
    )
    output = run(folder, "numbers.jsonl", "--label-mapping", "negative,positive,neutral", "--json")
    assert json.loads(output)["accuracy"] == 1


def test_a_file_that_can_be_trained_on_can_be_evaluated(folder: Path) -> None:
    (folder / "desk.txt").write_text("text;label\nnegative, oil;Down, down\npositive bank;UP\nneutral;\n")
    odd = ("--format", "csv", "--separator", ";", "--label-mapping", '"Down, down=negative", up = positive')
    with pytest.raises(TrainingError, match=r"row 2: no label in column 'label'; .* --skip-unlabelled"):
        run(folder, "desk.txt", *odd)
    figures = json.loads(run(folder, "desk.txt", *odd, "--skip-unlabelled", "--json"))
    assert (figures["accuracy"], figures["n"]) == (1.0, 2)


def test_wrong_use_is_named(folder: Path) -> None:
    with pytest.raises(
        TrainingError, match="no head 'sentiments'; the nearest one of this model is 'sentiment'"
    ):
        run(folder, "data.csv", task="sentiments")
    with pytest.raises(TrainingError, match="no column 'lable'; the nearest one is 'label'"):
        run(folder, "data.csv", label="lable")
    with pytest.raises(
        TrainingError, match="sentiment has no label 'positve'; the nearest one is 'positive'"
    ):
        run(folder, "data.csv", "--label-mapping", "negative,positve")
    with pytest.raises(TrainingError, match=r"'positive' has no raw label; write '0=positive'"):
        run(folder, "data.csv", "--label-mapping", "down=negative,positive")
    with pytest.raises(TrainingError, match="'down' is mapped twice"):
        run(folder, "data.csv", "--label-mapping", "down=negative,down=positive")
    with pytest.raises(TrainingError, match="no column 'sorce'; the nearest one is 'source'"):
        (folder / "sourced.csv").write_text("text,label,source\nneutral oil,neutral,wire\n")
        run(folder, "sourced.csv", "--by", "sorce")
    (folder / "numbers.csv").write_text("text,label\nneutral oil,2\n")
    with pytest.raises(TrainingError, match="row 0: unknown label '2'"):
        run(folder, "numbers.csv", "--label-mapping", "negative,positive")


def test_rows_may_be_chosen_by_hash_range_and_labels_found_by_a_pattern(folder: Path) -> None:
    lines = [
        f'negative oil {number},"[negative] [{"negative" if number % 2 else "neutral"}]"'
        for number in range(40)
    ]
    (folder / "data.csv").write_text("\n".join(["text,label", *lines]) + "\n")
    pattern = ("--label-pattern", r"\[(\w+)\]", "--json")
    assert json.loads(run(folder, "data.csv", *pattern))["n"] == 20  # the others disagree
    parts = [
        json.loads(run(folder, "data.csv", *pattern, "--hash-range", low, high))["n"]
        for low, high in (("0", "0.4"), ("0.4", "1"))
    ]
    assert sum(parts) == 20 and all(parts)
    bad = [
        "--model",
        str(folder / "model"),
        "--data",
        "x.csv",
        "--task",
        "sentiment",
        "--text",
        "a",
        "--label",
        "b",
    ]
    with pytest.raises(TrainingError, match="hash_range must be"):
        CliRunner().invoke(command, [*bad, "--hash-range", "0.5", "0.2"], catch_exceptions=False)
