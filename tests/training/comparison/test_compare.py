"""`bearwatch compare` with a tiny BERT: every cell is filled in once, and the answer follows from the cells."""

import html
import json
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest
from click.testing import CliRunner
from tiny_bert import write_tiny_bert
from tiny_training import table, write_checkpoint, write_data

import training.comparison.folder
from bearwatch.commands.compare import command
from models.engines import ENGINES
from models.errors import ModelError
from models.manifest import Dataset, load_manifest, sha256_of
from training.comparison.answer import Answer, Cost, answer, paired_interval
from training.comparison.cells import (
    BAYES,
    BERT,
    LOGISTIC,
    SIMPLE,
    SVM,
    VARIANTS,
    Cell,
    Figures,
    Result,
    Split,
    Task,
)
from training.comparison.compare import Comparison, compare
from training.comparison.folder import claimed
from training.comparison.inputs import notes, perhaps_seen, read_tests
from training.comparison.run_cell import run, run_apart
from training.comparison.sentences import sentences
from training.comparison.subsets import lost, parse_shares, subset
from training.config import Distillation, Head, TrainingConfig, parse_config
from training.data.corpus import read_corpus
from training.errors import TrainingConfigError, TrainingError
from training.evaluation.intervals import Interval

NOW = datetime(2026, 3, 1, tzinfo=UTC)
CHECK = [("negative", "Banyard faces a fraud probe"), ("positive", "Banyard soars on record profit")]


def table_of_one_head(folder: Path) -> dict[str, Any]:
    """The configuration for sentiment alone, with an evaluation set."""
    whole = table(folder / "base")
    return {
        **whole,
        "heads": {"sentiment": whole["heads"]["sentiment"]},
        "datasets": whole["datasets"][:1],
        "evaluation": [{"name": "check", "path": "check.csv", "head": "sentiment"}],
    }


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """`base` to fine-tune, `data`, and `model`, which answers the same question."""
    folder = tmp_path_factory.mktemp("compare")
    write_checkpoint(folder / "base")
    write_data(folder / "data")
    lines = [f"{text},{label}" for label, text in CHECK]
    (folder / "data" / "check.csv").write_text("\n".join(["text,label", *lines]) + "\n")
    write_tiny_bert(folder / "model")
    return folder


@pytest.fixture(scope="module")
def config(folder: Path) -> TrainingConfig:
    return parse_config(table_of_one_head(folder))


@pytest.fixture(scope="module")
def task(folder: Path, config: TrainingConfig) -> Task:
    tests = {"sentiment": read_tests(config, "sentiment", folder / "data")}
    corpus = read_corpus(config, folder / "data")
    return Task(config, corpus, tests, folder / "data", folder / "model", folder / "scratch", NOW)


def toml(value: dict[str, Any]) -> str:
    """A configuration as the file that it is decoded from."""
    keys = {key: each for key, each in value.items() if not isinstance(each, dict | list)}
    lines = [f"{key} = {json.dumps(each)}" for key, each in keys.items()]
    for key, each in value.items():
        if key == "heads":
            for head, inner in each.items():
                lines += [
                    f"[heads.{head}]",
                    f"labels = {json.dumps(inner['labels'])}",
                    f"[heads.{head}.aliases]",
                ]
                lines += [f"{k} = {json.dumps(v)}" for k, v in inner["aliases"].items()]
        elif isinstance(each, dict):
            lines += [f"[{key}]", *(f"{k} = {json.dumps(v)}" for k, v in each.items())]
        elif isinstance(each, list):
            for inner in each:
                lines += [f"[[{key}]]", *(f"{k} = {json.dumps(v)}" for k, v in inner.items())]
    return "\n".join(lines)


def apart_where_it_counts(cell: Cell, task: Task, log: Path) -> Result:
    """In a process of its own, which takes seconds to begin, only what is fine-tuned and one to hold against it."""
    apart = cell.share == 60.0 and cell.method in (BERT, SVM)
    return run_apart(cell, task, log) if apart else run(cell, task)


@pytest.fixture(scope="module")
def compared(folder: Path) -> tuple[Path, str]:
    """The folder of a whole comparison and what the command said."""
    (folder / "config.toml").write_text(toml(table_of_one_head(folder)))
    arguments = [
        str(folder / "config.toml"),
        "--data-dir",
        str(folder / "data"),
        "--out",
        str(folder / "out"),
    ]
    arguments += ["--model", str(folder / "model"), "--shares", "60,100"]
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("OMP_NUM_THREADS", "1")  # for so little to compute, threads cost more than they gain
        patch.setattr(training.comparison.folder, "run_apart", apart_where_it_counts)
        said = CliRunner().invoke(command, arguments, catch_exceptions=False)
    assert said.exit_code == 0
    return folder / "out", said.stdout


def again(config: TrainingConfig, folder: Path, out: Path, *shares: float) -> Comparison:
    return compare(
        config, folder / "data", out, name="tiny", model=folder / "model", shares=shares, created=NOW
    )


def test_every_cell_has_its_figures(compared: tuple[Path, str]) -> None:
    out, _ = compared
    found = json.loads((out / "compare.json").read_text())
    cells = {(each["cell"]["method"], each["cell"]["share"]): each for each in found["cells"]}
    assert set(cells) == {(method, share) for method in (*SIMPLE, BERT) for share in (60.0, 100.0)}
    for (method, share), each in cells.items():
        figures = each["figures"]["sentiment"]
        assert (figures["ece"] is None) == (method == SVM)
        assert tuple(figures["variants"]) == VARIANTS
        assert figures["variants"]["clean"] == figures["accuracy"] == figures["sets"]["check"]
        assert figures["documents_per_second"] > 0
        assert each["size_bytes"] > 0
        assert (each["engine"] in ENGINES) if method == BERT else (each["engine"] == "scikit-learn")
        given = (method, share) == (BERT, 100.0)
        assert (each["training_seconds"] is None) == (each["peak_memory_bytes"] is None) == given
        assert "right" not in each
    assert cells[LOGISTIC, 100.0]["figures"]["sentiment"]["accuracy"] == 1.0
    # Torch is loaded by the one cell that trains with it, and counts there alone.
    assert cells[BERT, 60.0]["peak_memory_bytes"] > 1.5 * cells[SVM, 60.0]["peak_memory_bytes"]
    assert not (out / "scratch").exists()


def test_report_says_the_same(compared: tuple[Path, str]) -> None:
    out, said = compared
    page = (out / "report.html").read_text()
    found = json.loads((out / "compare.json").read_text())
    for each in found["cells"]:
        figures = each["figures"]["sentiment"]
        for figure in (figures["accuracy"], figures["macro_f1"], figures["variants"]["typing 10 %"]):
            assert f"{figure:.3f}" in page
        assert f"{figures['documents_per_second']:,.0f}" in page
    assert page.count('<svg viewBox="0 0 360 260"') == 3
    assert "no probabilities" in page
    assert "://" not in page  # it needs nothing from elsewhere
    decision = said.splitlines()[1].strip()
    assert decision in html.unescape(page)
    assert "The simple classifier is" in decision
    (engine,) = {each["engine"] for each in found["cells"] if each["cell"]["method"] == BERT}
    assert f"with {engine} on" in said and f"<td>{engine}</td>" in page


def test_finished_cells_are_not_filled_in_again(
    compared: tuple[Path, str], config: TrainingConfig, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out, _ = compared
    run_again: list[Cell] = []

    def here(cell: Cell, task: Task, log: Path) -> Result:
        run_again.append(cell)
        return run(cell, task)

    monkeypatch.setattr(training.comparison.folder, "run_apart", here)
    before = again(config, folder, out, 60.0, 100.0)
    assert not run_again
    lost_cell = Cell(BAYES, 100.0, "sentiment")
    (out / "cells" / lost_cell.file).unlink()
    after = again(config, folder, out, 60.0, 100.0)
    assert run_again == [lost_cell]
    assert after.answers[0].steps == before.answers[0].steps


def test_interrupted_comparison_goes_on(
    config: TrainingConfig, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cells: list[Cell] = []

    def dies_at_the_third(cell: Cell, task: Task, log: Path) -> Result:
        cells.append(cell)
        if len(cells) == 3:
            raise KeyboardInterrupt
        return result(cell.method, cell.share, "11")

    monkeypatch.setattr(training.comparison.folder, "run_apart", dies_at_the_third)
    with pytest.raises(KeyboardInterrupt):
        again(config, folder, tmp_path, 100.0)
    found = again(config, folder, tmp_path, 100.0)
    assert [each.method for each in cells] == [LOGISTIC, SVM, BAYES, BAYES, BERT]
    assert [each.cell.method for each in found.cells] == [LOGISTIC, SVM, BAYES, BERT]


@pytest.mark.parametrize("method", SIMPLE)
def test_traditional_ones_are_deterministic(method: str, task: Task) -> None:
    def figures() -> tuple[object, ...]:
        found = run(Cell(method, 100.0, "sentiment"), task)
        timeless = msgspec.structs.replace(found.figures["sentiment"], documents_per_second=0)
        return timeless, found.right, found.chosen, found.size_bytes

    assert figures() == figures()


def test_any_seed_of_a_configuration_will_do(task: Task, config: TrainingConfig) -> None:
    large = replace(task, config=msgspec.structs.replace(config, seed=2**63 - 1))
    assert run(Cell(SVM, 100.0, "sentiment"), large).figures["sentiment"].accuracy == 1.0


def test_speed_is_that_of_an_engine() -> None:
    found = answer_to({100.0: 90}, {100.0: 80})
    for engine, place in (("onnxruntime-cpu", "all cores"), ("onnxruntime-cuda", "a GPU")):
        said = sentences(msgspec.structs.replace(found, engine=engine))
        assert any(f"on one core, BERT 50 with {engine} on {place} (for all" in line for line in said)


def test_a_cell_that_dies_is_named(task: Task, tmp_path: Path) -> None:
    with pytest.raises(
        TrainingError, match=r"no such method, 5 % of the labels, sentiment: its process ended with 1"
    ):
        run_apart(Cell("no such method", 5.0, "sentiment"), task, tmp_path / "log")
    assert "KeyError" in (tmp_path / "log").read_text()


def test_what_is_wrong_in_a_cell_is_said_as_it_is(task: Task, tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="there is no model here"):
        run_apart(Cell(BERT, 100.0, None, "0"), replace(task, model=tmp_path), tmp_path / "log")


@pytest.mark.parametrize(
    ("written", "message"),
    [("1,many", "no list"), ("", "no list"), ("0,5", "0 is no share"), ("5,101", "101 is no share"), ("5,nan", "nan"),
     ("5,20,5", "5 is there twice")],
)  # fmt: skip
def test_wrong_shares(written: str, message: str) -> None:
    with pytest.raises(TrainingConfigError, match=message):
        parse_shares(written)


def test_shares_hold_each_other(task: Task, config: TrainingConfig) -> None:
    assert parse_shares("100, 20,2.5") == (2.5, 20.0, 100.0)
    small, large = (subset(task.corpus, config, share) for share in (50.0, 80.0))
    assert set(small.train) < set(large.train) < set(task.corpus.train)
    assert set(small.dev) <= set(large.dev) <= set(task.corpus.dev)
    assert subset(task.corpus, config, 100.0) == task.corpus
    with pytest.raises(TrainingConfigError, match=r"0\.1 % of the labels leaves heads\.sentiment 0 classes"):
        subset(task.corpus, config, 0.1)
    with pytest.raises(TrainingConfigError, match="no text to choose the epoch on"):
        subset(replace(task.corpus, dev=()), config, 100.0)
    rest = [each for each in task.corpus.train if each.label != "neutral"]
    assert lost(rest, config, "sentiment") == ("neutral",)


def test_a_class_that_was_lost_is_never_answered(task: Task) -> None:
    train = tuple(each for each in task.corpus.train if each.label != "neutral")
    for method in SIMPLE:
        found = run(Cell(method, 100.0, "sentiment"), replace(task, corpus=replace(task.corpus, train=train)))
        assert found.figures["sentiment"].accuracy == 1.0  # columns stay in the head's order


def test_what_does_not_fit(config: TrainingConfig, folder: Path, tmp_path: Path) -> None:
    with pytest.raises(TrainingConfigError, match=r"heads\.sentiment: nothing to compare on"):
        again(msgspec.structs.replace(config, evaluation=()), folder, tmp_path / "out", 100.0)
    head = Head(labels=("positive", "neutral", "negative"))
    turned = msgspec.structs.replace(config, heads={"sentiment": head})
    with pytest.raises(TrainingConfigError, match=r"does not answer heads\.sentiment with the labels"):
        again(turned, folder, tmp_path / "out", 100.0)
    assert not (tmp_path / "out").exists()
    (tmp_path / "mine.txt").touch()
    with pytest.raises(TrainingError, match="holds something else"):
        again(config, folder, tmp_path, 100.0)


def test_another_seed_is_another_comparison(
    compared: tuple[Path, str], config: TrainingConfig, folder: Path
) -> None:
    with pytest.raises(TrainingError, match="another configuration, seed or data"):
        again(msgspec.structs.replace(config, seed=4), folder, compared[0], 60.0, 100.0)


def test_another_value_is_another_comparison(compared: tuple[Path, str], folder: Path) -> None:
    arguments = [str(folder / "config.toml"), "--data-dir", str(folder / "data"), "--out", str(compared[0])]
    more = ["--model", str(folder / "model"), "--shares", "60,100", "--set", "hyperparameters.dropout=0.3"]
    with pytest.raises(TrainingError, match="another configuration, seed or data"):
        CliRunner().invoke(command, [*arguments, *more], catch_exceptions=False)


def test_one_comparison_at_a_time(task: Task, tmp_path: Path) -> None:
    with (
        claimed(tmp_path, task),
        pytest.raises(TrainingError, match="another comparison is at work"),
        claimed(tmp_path, task),
    ):
        pass
    with claimed(tmp_path, task):
        pass


def test_what_is_not_even_is_noted(folder: Path, config: TrainingConfig) -> None:
    manifest = load_manifest(folder / "model")
    more = (Dataset("tweets", "0", 1234, "train, unlabelled"), Dataset("sentiment", "0", 5, "train"))
    manifest = msgspec.structs.replace(manifest, datasets=more, teachers=("0", "1"))
    said = notes(msgspec.structs.replace(config, distillation=Distillation()), manifest, (5.0, 100.0), ())
    assert len(said) == 4
    assert "[distillation]: it was left out" in said[0]
    assert "2 teachers, tweets (1,234 texts, unlabelled)" in said[2]
    assert notes(config, None, (100.0,), ()) == ()


def test_a_model_that_may_have_seen_the_test_texts_is_noted(
    compared: tuple[Path, str], folder: Path, config: TrainingConfig, task: Task
) -> None:
    page = html.unescape((compared[0] / "report.html").read_text())
    assert "does not show that the texts of check were kept out of its training" in page
    manifest, sha256 = load_manifest(folder / "model"), sha256_of(folder / "data" / "check.csv")
    for use, rows, seen in (
        ("validation", len(CHECK), ()),
        ("validation", 1, ("check",)),  # another part of the file
        ("train", len(CHECK), ("check",)),
    ):
        learnt = msgspec.structs.replace(manifest, datasets=(Dataset("other name", sha256, rows, use),))
        assert perhaps_seen(config, learnt, task.tests, folder / "data") == seen


def result(method: str, share: float, right: str) -> Result:
    accuracy = right.count("1") / len(right)
    variants = dict.fromkeys(VARIANTS, accuracy) | {"typing 10 %": accuracy / 2}
    interval = Interval(accuracy, accuracy)
    figures = Figures(accuracy, interval, accuracy, interval, None, {"check": accuracy}, variants, 50.0)
    if method != BERT:
        figures = msgspec.structs.replace(figures, documents_per_second=500.0)
    cell = Cell(method, share, None if method == BERT else "sentiment")
    return Result(cell, {"sentiment": figures}, "", share, 1, 1, {"sentiment": right})


def answer_to(bert: dict[float, int], simple: dict[float, int]) -> Answer:
    """share -> how many of 100 texts are right, of BERT and of the linear SVM; naive Bayes has 10 less."""
    results = [
        result(method, share, "1" * n + "0" * (100 - n))
        for method, right in (
            (BERT, bert),
            (SVM, simple),
            (BAYES, {share: n - 10 for share, n in simple.items()}),
        )
        for share, n in right.items()
    ]
    splits = [Split("sentiment", share, int(share), 0, ()) for share in bert]
    return answer("sentiment", splits, results, 1)


def test_bert_from_some_share_on() -> None:
    found = answer_to({1.0: 50, 5.0: 70, 20.0: 80, 100.0: 90}, {1.0: 70, 5.0: 70, 20.0: 70, 100.0: 80})
    assert [step.winner for step in found.steps] == [SVM, None, BERT, BERT]
    assert (found.better_from, found.enough_at) == (20.0, 20.0)
    assert found.speed == Cost(100.0, SVM, 50.0, 500.0)
    assert found.noise == Cost(100.0, SVM, 0.45, 0.4)
    said = sentences(found)
    assert said[0].startswith(
        "The simple classifier is enough up to 5 % (5 labels). From 20 % (20 labels) on BERT is"
    )
    assert said[1].startswith(
        "With 1 % (1 labels) it is even better: linear SVM 0.700, BERT 0.500 (-20.0 points"
    )
    assert said[2].startswith("BERT with 20 % (20 labels) is at least as accurate (0.800)")
    assert any("10 times as many" in line for line in said)


@pytest.mark.parametrize(
    ("bert", "simple", "decision"),
    [
        ({5.0: 70, 100.0: 80}, {5.0: 70, 100.0: 80}, "enough with 5 % (5 labels) to 100 % (100 labels)"),
        ({5.0: 90, 100.0: 95}, {5.0: 70, 100.0: 80}, "not enough with 5 % (5 labels) to 100 % (100 labels)"),
        ({5.0: 90, 100.0: 80}, {5.0: 70, 100.0: 80}, "no clear line"),
        (
            {100.0: 90},
            {100.0: 80},
            "not enough with 100 % (100 labels): BERT is better, with 100 % (100 labels) 0.900",
        ),
    ],
)
def test_verdicts(bert: dict[float, int], simple: dict[float, int], decision: str) -> None:
    assert decision in sentences(answer_to(bert, simple))[0]


def test_paired_interval_is_that_of_drawn_texts() -> None:
    random = np.random.default_rng(1)
    one, other = random.random((2, 400)) < [[0.8], [0.7]]
    drawn = random.integers(0, 400, (4000, 400))
    plain = np.quantile(one[drawn].mean(1) - other[drawn].mean(1), (0.025, 0.975))
    bits = ["".join("01"[int(hit)] for hit in each) for each in (one, other)]
    np.testing.assert_allclose(paired_interval(*bits, [1]), plain, atol=0.005)
