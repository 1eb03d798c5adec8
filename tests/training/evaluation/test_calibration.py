"""Temperatures and thresholds that are known by construction."""

from pathlib import Path

import msgspec
import numpy as np
import pytest
from keyword_model import write_keyword_model
from scipy.special import softmax

from models.classifier import Classifier
from models.manifest import Head, load_manifest, model_hash, write_manifest
from training.data.labelled import Example
from training.evaluation.calibration import abstain_below, calibrate, temperature
from training.evaluation.metrics import calibration_error


def overconfident(count: int, factor: float, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Logits, (count, 3), that are `factor` times as large as those their labels were drawn by."""
    rng = np.random.default_rng(seed)
    honest = rng.normal(size=(count, 3)) * 2
    truth = np.array([rng.choice(3, p=p) for p in softmax(honest, axis=1)])
    return honest * factor, truth


@pytest.mark.parametrize("factor", [0.7, 1.0, 2.5])
def test_the_temperature_is_found(factor: float):
    logits, truth = overconfident(20_000, factor, seed=1)
    assert temperature(logits, truth) == pytest.approx(factor, rel=0.05)


def test_a_head_that_is_always_right_stays_within_bounds():
    logits = np.eye(3)[np.arange(30) % 3] * 5
    assert temperature(logits, np.arange(30) % 3) == pytest.approx(0.5, abs=0.05)


def test_thresholds():
    confidence = np.array([0.9, 0.8, 0.7, 0.6, 0.5])
    correct = np.array([True, True, False, True, False])
    assert abstain_below(correct, confidence, 1.0) == 0.8
    assert abstain_below(correct, confidence, 0.75) == 0.6
    assert abstain_below(correct, confidence, 0.6) == 0.0  # reached without abstaining
    assert abstain_below(~correct, confidence, 0.99) == 1.0  # never reached


def test_equally_confident_answers_are_given_together():
    confidence = np.array([0.9, 0.8, 0.8, 0.5])
    assert abstain_below(np.array([True, True, False, False]), confidence, 1.0) == 0.9
    assert abstain_below(np.array([True, False, True, False]), confidence, 0.6) == 0.8
    assert abstain_below(np.array([True, False]), np.array([0.9, 0.9]), 1.0) == 1.0


def test_heads_are_calibrated_on_their_own_texts_and_keep_their_labels():
    logits, truth = overconfident(4000, 3.0, seed=2)
    predictions = {"mood": softmax(logits, axis=1), "other": np.full((4000, 2), 0.5)}
    names = ("a", "b", "c")
    examples = [Example("x", "mood", names[each]) for each in truth[:-1]] + [Example("x", "other", "y")]
    heads = {"mood": Head(names, "mood_logits"), "other": Head(("y", "z"), "other_logits")}
    head = calibrate(heads, predictions, examples, 0.9)["mood"]
    after = softmax(logits / head.temperature, axis=1)
    assert (after.argmax(1) == logits.argmax(1)).all()
    correct = after.argmax(1) == truth
    assert (
        calibration_error(correct, after.max(1))
        < 0.03
        < calibration_error(correct, predictions["mood"].max(1))
    )
    given = after.max(1) >= head.abstain_below
    assert correct[given].mean() == pytest.approx(0.9, abs=0.02)
    assert 0.2 < given.mean() < 0.95


def test_the_classifier_divides_by_the_temperature(tmp_path: Path):
    folder = write_keyword_model(tmp_path / "model")
    manifest = load_manifest(folder)
    (before,) = Classifier.load(folder).probabilities(["oil negative"])["sentiment"]
    hot = msgspec.structs.replace(manifest.heads["sentiment"], temperature=2.0)
    heated = msgspec.structs.replace(manifest, heads={**manifest.heads, "sentiment": hot})
    write_manifest(folder, heated)
    (after,) = Classifier.load(folder).probabilities(["oil negative"])["sentiment"]
    np.testing.assert_allclose(np.log(after[0] / after[1]), np.log(before[0] / before[1]) / 2, rtol=1e-5)
    assert model_hash(heated) != model_hash(manifest)  # its probabilities are others
