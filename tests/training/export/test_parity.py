"""What an engine may differ by: nothing in fp32, half a per cent of the labels in bf16."""

import numpy as np
import pytest

from models.engines import BF16, CPU
from training.errors import TrainingError
from training.export.parity import check, compare


def probabilities(count: int, flipped: int, certain: float = 0.8) -> np.ndarray:
    """(count, 2) probabilities; the first `flipped` rows say the second label."""
    rows = np.full((count, 2), (certain, 1 - certain))
    rows[:flipped] = (1 - certain, certain)
    return rows


@pytest.mark.parametrize(
    ("engine", "count", "flipped", "passes"),
    [
        (CPU, 1000, 0, True),
        (CPU, 1000, 1, False),
        (BF16, 1000, 5, True),
        (BF16, 1000, 6, False),
        (BF16, 100, 2, True),  # too few texts to tell
        (BF16, 100, 3, False),
        (BF16, 49, 1, False),
    ],
)
def test_how_many_labels_may_differ(engine: str, count: int, flipped: int, passes: bool):
    texts = [f"text {number}" for number in range(count)]
    served, expected = {"topic": probabilities(count, flipped)}, [probabilities(count, 0)]
    if passes:
        assert check(engine, served, expected, texts).agreement == pytest.approx(1 - flipped / count)
        return
    with pytest.raises(
        TrainingError, match=rf"on {engine}: topic of {flipped} of {count} texts, such as 'text 0'"
    ):
        check(engine, served, expected, texts)


def test_of_two_equally_probable_labels_either_is_right():
    assert (
        compare({"topic": probabilities(10, 10, 0.5 + 1e-6)}, [probabilities(10, 0, 0.5 + 1e-6)]).agreement
        == 1
    )


def test_fp32_may_not_move_a_probability():
    served = {"topic": probabilities(10, 0) + np.array([-0.001, 0.001])}
    with pytest.raises(TrainingError, match=r"largest difference of a probability 0\.001"):
        check(CPU, served, [probabilities(10, 0)], ["text"] * 10)
    check(BF16, served, [probabilities(10, 0)], ["text"] * 10)


@pytest.mark.parametrize("engine", [CPU, BF16])
def test_not_a_number_is_refused(engine: str):
    with pytest.raises(TrainingError, match="disagrees"):
        check(engine, {"topic": np.full((10, 2), np.nan)}, [probabilities(10, 0)], ["text"] * 10)
