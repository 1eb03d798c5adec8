"""Distillation: the targets of each head, and a student that learns from a teacher's soft targets."""

import gzip
import json
from datetime import UTC, datetime
from pathlib import Path

import msgspec
import numpy as np
import pytest
from keyword_model import SENTIMENTS, TOPICS, write_keyword_model
from tiny_training import TOPIC, rows_of, table, write_checkpoint, write_data

import training.fit.run_folder
import training.fit.training_run
from models.classifier import Classifier
from models.manifest import load_manifest, write_manifest
from training.config import Distillation, TextSet, TrainingConfig
from training.config_file import parse_config
from training.data.corpus import read_corpus
from training.errors import TrainingConfigError, TrainingError
from training.export.artifact import export
from training.fit.batches import UNLABELLED, Encoded
from training.fit.precision import Precision
from training.fit.targets import soft_targets, targets
from training.fit.training_run import fit

FP32 = Precision("cpu", None)
NOW = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    write_checkpoint(tmp_path / "base")
    write_data(tmp_path / "data")
    lines = [json.dumps({"text": f"as we soft before: {text}"}) for text, _ in rows_of(TOPIC)]
    (tmp_path / "data" / "tweets.jsonl.gz").write_bytes(gzip.compress("\n".join([*lines, lines[0]]).encode()))
    return tmp_path


def distilled(folder: Path, **changes: object) -> dict[str, object]:
    unlabelled = {"name": "tweets", "path": "tweets.jsonl.gz"}
    return {**table(folder / "base"), "distillation": {"weight": 0.5, "unlabelled": [unlabelled]}, **changes}


def test_labels_alone(folder: Path):
    config = parse_config(table(folder / "base", label_smoothing=0.3))
    sentiment, topic = targets([Encoded((1,), 0, 2), Encoded((1,), 1, 0)], config, None)
    np.testing.assert_allclose(sentiment, [[0.1, 0.1, 0.8], [0, 0, 0]], rtol=1e-6)
    np.testing.assert_allclose(topic, [[0, 0], [0.85, 0.15]], rtol=1e-6)


def test_teachers_and_labels(folder: Path):
    config = parse_config(distilled(folder))
    config = msgspec.structs.replace(config, distillation=Distillation(weight=0.25))
    soft = (np.array([[0.6, 0.2, 0.2]] * 2, np.float32), np.array([[0.5, 0.5]] * 2, np.float32))
    rows = [Encoded((1,), 0, 2), Encoded((1,), UNLABELLED, UNLABELLED)]
    sentiment, topic = targets(rows, config, soft)
    np.testing.assert_allclose(sentiment, [[0.15, 0.05, 0.8], [0.6, 0.2, 0.2]], rtol=1e-6)
    np.testing.assert_allclose(topic, [[0.5, 0.5], [0.5, 0.5]], rtol=1e-6)


def test_augmented_copies_are_trained_on(folder: Path, monkeypatch: pytest.MonkeyPatch):
    asked = []

    def say(teachers: object, texts: list[str], config: TrainingConfig):
        asked.append(texts)
        return tuple(np.full((len(texts), len(h.labels)), 0.5, np.float32) for h in config.heads.values())

    monkeypatch.setattr(training.fit.training_run, "soft_targets", say)
    monkeypatch.setattr(training.fit.run_folder, "load_manifest", lambda _: None)
    monkeypatch.setattr(training.fit.run_folder, "model_hash", lambda _: "0")
    for copies in (0, 2):
        table = distilled(folder)
        config = parse_config(
            {**table, "distillation": {**table["distillation"], "augmented_copies": copies}}
        )
        fit(config, folder / "data", folder / str(copies), resume=False, precision=FP32, teachers=[folder])
    plain, more = asked
    labelled = len(read_corpus(config, folder / "data").train)
    assert more[: len(plain)] == plain and len(more) == len(plain) + 2 * labelled


def test_soft_targets_are_the_mean_of_the_teachers(tmp_path: Path):
    """In the order of the configuration's heads, which need not be a teacher's."""
    heads = {"sentiment": {"labels": list(SENTIMENTS)}, "topic": {"labels": list(TOPICS)}}
    config = parse_config({**table(tmp_path / "base"), "heads": heads})
    sure, unsure = (write_keyword_model(tmp_path / name) for name in ("sure", "unsure"))
    manifest = load_manifest(unsure)
    hot = {name: msgspec.structs.replace(head, temperature=4.0) for name, head in manifest.heads.items()}
    write_manifest(unsure, msgspec.structs.replace(manifest, heads=hot))
    sentiment, topic = soft_targets([sure, unsure], ["oil negative", "positive"], config)
    confident, doubting = (np.exp(8 / t) / (np.exp(8 / t) + 2) for t in (1, 4))
    assert sentiment[0, 0] == pytest.approx((confident + doubting) / 2, rel=1e-5)
    assert sentiment.argmax(1).tolist() == [0, 2]
    np.testing.assert_allclose(topic[1], 1 / len(TOPICS), rtol=1e-5)


def test_unlabelled_texts_are_new_and_come_once(folder: Path):
    (folder / "data" / "known.jsonl").write_text(
        '{"text": "Norwick pumps more crude!"}\n{"text": "quite new"}\n'
    )
    known = {"name": "known", "path": "known.jsonl"}
    config = parse_config(distilled(folder, distillation={"unlabelled": [known, {**known, "name": "again"}]}))
    corpus = read_corpus(config, folder / "data")
    assert corpus.unlabelled == ("quite new",)
    assert corpus.rows["known"] == 1


def test_a_student_learns_from_a_teacher(folder: Path):
    fit(
        parse_config(table(folder / "base", epochs=4)),
        folder / "data",
        folder / "run",
        resume=False,
        precision=FP32,
    )
    export([folder / "run"], folder / "teacher", None, NOW)
    config, teachers = parse_config(distilled(folder)), [folder / "teacher"]
    best = fit(config, folder / "data", folder / "student", resume=False, precision=FP32, teachers=teachers)
    assert best.score > 0.9
    manifest = export([folder / "student"], folder / "artifact", None, NOW)
    assert manifest.teachers == (Classifier.load(folder / "teacher").model_hash,)
    assert [(each.name, each.use, each.rows) for each in manifest.datasets][-1] == (
        "tweets",
        "train, unlabelled",
        40,
    )
    with pytest.raises(TrainingError, match="another configuration, data or teachers"):
        fit(config, folder / "data", folder / "student", resume=True, precision=FP32, teachers=teachers * 2)


def test_a_teacher_of_other_labels_is_refused(folder: Path):
    fit(
        parse_config(table(folder / "base", epochs=1)),
        folder / "data",
        folder / "run",
        resume=False,
        precision=FP32,
    )
    export([folder / "run"], folder / "teacher", None, NOW)
    heads = table(folder / "base")["heads"]
    heads["topic"]["labels"] = ["Banks", "Oil"]
    config = parse_config(distilled(folder, heads=heads))
    with pytest.raises(TrainingConfigError, match="its heads and labels are not those"):
        fit(
            config,
            folder / "data",
            folder / "student",
            resume=False,
            precision=FP32,
            teachers=[folder / "teacher"],
        )


def test_distillation_needs_teachers_and_teachers_distillation(folder: Path):
    for config, teachers in ((distilled(folder), []), (table(folder / "base"), [folder])):
        with pytest.raises(TrainingConfigError, match="belong together"):
            fit(
                parse_config(config),
                folder / "data",
                folder / "student",
                resume=False,
                precision=FP32,
                teachers=teachers,
            )


def test_ratio_and_weight_are_checked(folder: Path):
    bad = msgspec.to_builtins(TextSet(name="tweets", path="x", hash_range=(0.5, 0.5)))
    with pytest.raises(TrainingConfigError, match=r"distillation.unlabelled 'tweets': hash_range must be"):
        parse_config(distilled(folder, distillation={"unlabelled": [bad]}))
    with pytest.raises(TrainingConfigError, match=r"Expected `float` > 0.0 - at `distillation.weight`"):
        parse_config(distilled(folder, distillation={"weight": 0.0}))
    with pytest.raises(
        TrainingConfigError, match="unknown key 'wieght' in distillation; the nearest known one is 'weight'"
    ):
        parse_config(distilled(folder, distillation={"wieght": 0.5}))
