"""Each scene does to a quiet key what it says, at its events and nowhere else."""

import numpy as np
import pytest

from benchmarks.detection.scenes import EVENTS, HISTORY, LEARNED, SCENES, control, shapes
from benchmarks.detection.streams import MINUTES_PER_HOUR, Floats, Stream

SHAPE = shapes(24, seed=1, count=1)[0]
HABITS = {name for name, scene in SCENES.items() if scene in LEARNED}


def around_events(stream: Stream, hours: int) -> Floats:
    """Stories within so many hours of each event; (events,)."""
    bounds = np.array([[start, start + hours * MINUTES_PER_HOUR] for start in EVENTS])
    return np.diff(np.searchsorted(stream.minute, bounds), axis=1).ravel().astype(float)


@pytest.mark.parametrize("name", sorted(set(SCENES) - HABITS))
def test_the_history_is_that_of_the_control(name: str):
    quiet, played = control(SHAPE, 3), SCENES[name](SHAPE, 3)
    for column in ("minute", "probability", "source"):
        before = [getattr(each, column)[each.minute < HISTORY] for each in (quiet, played)]
        assert np.array_equal(*before) or name in {
            "volume spike",
            "surge of good news",
        }  # other random numbers
    assert not played.test_surges
    assert (np.diff(played.minute) >= 0).all()


@pytest.mark.parametrize(
    ("name", "hours", "least", "most"),
    [
        ("volume spike", 3, 5.0, 11.0),
        ("surge of good news", 3, 2.5, 6.0),
        ("outage with late catch-up", 6, 0.0, 0.0),
        ("quiet control", 3, 1.0, 1.0),
    ],
)
def test_volume_at_the_events(name: str, hours: int, least: float, most: float):
    usual, found = (around_events(scene(SHAPE, 3), hours).mean() for scene in (control, SCENES[name]))
    assert least <= found / usual <= most


def test_an_outage_loses_no_story():
    assert SCENES["outage with late catch-up"](SHAPE, 3).minute.size == control(SHAPE, 3).minute.size


def test_good_news_is_hardly_negative():
    stream = SCENES["surge of good news"](SHAPE, 3)
    inside = ((stream.minute[:, None] >= EVENTS) & (stream.minute[:, None] < np.array(EVENTS) + 180)).any(
        axis=1
    )
    assert stream.negative[inside].mean() < 0.5 * stream.negative[~inside].mean()


def test_of_a_syndicated_story_ten_copies_count_and_the_others_are_listed():
    quiet, stream = control(SHAPE, 3), SCENES["one story syndicated 200 times"](SHAPE, 3)
    counted = stream.minute.size - quiet.minute.size
    assert counted / len(EVENTS) == pytest.approx(11, abs=2)
    assert stream.copies.minute.size - quiet.copies.minute.size == 201 * len(EVENTS) - counted


def test_a_bot_is_a_source_that_nobody_knows():
    stream = SCENES["bot"](SHAPE, 3)
    unknown = stream.source == len(SHAPE.tilts)
    assert unknown.sum() == 180 * len(EVENTS)
    assert stream.negative[unknown].all()


def test_nights_are_more_negative():
    stream = SCENES["negative nights"](SHAPE, 3)
    night = (stream.minute % 1440 < 6 * 60) | (stream.minute % 1440 >= 22 * 60)
    assert stream.negative[night].mean() > 1.2 * control(SHAPE, 3).negative[night].mean()
