"""Line plots as coordinates, for a template that draws them as SVG."""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from training.evaluation.intervals import Interval

WIDTH, HEIGHT = 360, 260
LEFT, RIGHT, TOP, BOTTOM = 44, 350, 12, 216  # of the area inside the axes
STEPS = (0.01, 0.02, 0.05, 0.1, 0.2)  # between two marks of the vertical axis
OFFSET = 3  # in x from one line to the next: equal lines would hide each other's intervals

Point = tuple[float, float, Interval | None]  # x, y, the interval of y


@dataclass(frozen=True, slots=True)
class Mark:
    """A mark of an axis, in pixels along it."""

    at: float
    text: str


@dataclass(frozen=True, slots=True)
class Dot:
    """A point of a line, in pixels; `low` and `high` are the ends of its interval. `title`: its figures as text."""

    x: float
    y: float
    low: float | None
    high: float | None
    title: str


@dataclass(frozen=True, slots=True)
class Plot:
    """A plot with its axis marks and, by name, its lines."""

    title: str
    x_title: str
    x_marks: list[Mark]
    y_marks: list[Mark]
    lines: dict[str, list[Dot]]


def plot(
    title: str,
    x_title: str,
    x_marks: Mapping[float, str],
    series: Mapping[str, Sequence[Point]],
    *,
    logarithmic: bool,
) -> Plot:
    """Lines with y in [0, 1] over a logarithmic or linear x.

    Args:
        x_marks: x -> the text of its mark.
        series: name of a line -> its points.
    """
    places = [math.log10(x) if logarithmic else x for x in x_marks]
    start, span = min(places), (max(places) - min(places)) or 1.0
    inside = LEFT + 22, RIGHT - 22

    def across(x: float) -> float:
        if len(places) == 1:
            return sum(inside) / 2
        place = math.log10(x) if logarithmic else x
        return inside[0] + (inside[1] - inside[0]) * (place - start) / span

    heights = [each for points in series.values() for _, y, ends in points for each in (y, *(ends or ()))]
    low, high, step = _axis(min(heights), max(heights))

    def up(y: float) -> float:
        return BOTTOM - (BOTTOM - TOP) * (y - low) / (high - low)

    lines = {
        name: [
            _dot(name, point, across(point[0]) + OFFSET * (n - (len(series) - 1) / 2), up) for point in points
        ]
        for n, (name, points) in enumerate(series.items())
    }
    marks = [low + i * step for i in range(round((high - low) / step) + 1)]
    return Plot(
        title,
        x_title,
        [Mark(across(x), text) for x, text in x_marks.items()],
        [Mark(up(y), f"{y:.2f}") for y in marks],
        lines,
    )


def _axis(lowest: float, highest: float) -> tuple[float, float, float]:
    """The ends of the vertical axis and the step between its marks, of which there are at most seven."""
    step = next((each for each in STEPS if (highest - lowest) / each <= 5), STEPS[-1])
    low = max(0, math.floor(lowest / step)) * step
    return low, max(math.ceil(highest / step) * step, low + step), step


def _dot(name: str, point: Point, x: float, up: Callable[[float], float]) -> Dot:
    at, y, interval = point
    between = f" ({interval.low:.3f} to {interval.high:.3f})" if interval else ""
    low, high = (up(interval.low), up(interval.high)) if interval else (None, None)
    return Dot(x, up(y), low, high, f"{name}, {at:,g}: {y:.3f}{between}")
