"""Line plots as coordinates, for a template that draws them as SVG."""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from training.evaluation.intervals import Interval

WIDTH, HEIGHT = 360, 260
LEFT, RIGHT, TOP, BOTTOM = 44, 350, 12, 216  # of the area inside the axes
STEPS = (0.01, 0.02, 0.05, 0.1, 0.2)  # between two marks of the vertical axis
ASIDE = 3  # from one line to the next: lines that agree would hide each other's intervals

Point = tuple[float, float, Interval | None]  # x, y, the interval of y


@dataclass(frozen=True, slots=True)
class Mark:
    """A mark of an axis, in pixels along it."""

    at: float
    text: str


@dataclass(frozen=True, slots=True)
class Dot:
    """In pixels; `low` and `high` are the ends of the interval. `title` says it in figures."""

    x: float
    y: float
    low: float | None
    high: float | None
    title: str


@dataclass(frozen=True, slots=True)
class Plot:
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
    """Lines of shares (y in [0, 1]) over an x that is logarithmic or not; `x_marks`: x -> what stands there."""
    places = [math.log10(x) if logarithmic else x for x in x_marks]
    start, span = min(places), (max(places) - min(places)) or 1.0
    inside = LEFT + 22, RIGHT - 22

    def across(x: float) -> float:
        if len(places) == 1:
            return sum(inside) / 2
        place = math.log10(x) if logarithmic else x
        return inside[0] + (inside[1] - inside[0]) * (place - start) / span

    shares = [share for points in series.values() for _, y, found in points for share in (y, *(found or ()))]
    low, high, step = _axis(min(shares), max(shares))

    def up(y: float) -> float:
        return BOTTOM - (BOTTOM - TOP) * (y - low) / (high - low)

    lines = {
        name: [
            _dot(name, point, across(point[0]) + ASIDE * (n - (len(series) - 1) / 2), up) for point in points
        ]
        for n, (name, points) in enumerate(series.items())
    }
    heights = [low + i * step for i in range(round((high - low) / step) + 1)]
    return Plot(
        title,
        x_title,
        [Mark(across(x), text) for x, text in x_marks.items()],
        [Mark(up(y), f"{y:.2f}") for y in heights],
        lines,
    )


def _axis(lowest: float, highest: float) -> tuple[float, float, float]:
    """Its ends and the step between marks, at most seven of them."""
    step = next((each for each in STEPS if (highest - lowest) / each <= 5), STEPS[-1])
    low = max(0, math.floor(lowest / step)) * step
    return low, max(math.ceil(highest / step) * step, low + step), step


def _dot(name: str, point: Point, x: float, up: Callable[[float], float]) -> Dot:
    at, y, found = point
    between = f" ({found.low:.3f} to {found.high:.3f})" if found else ""
    low, high = (up(found.low), up(found.high)) if found else (None, None)
    return Dot(x, up(y), low, high, f"{name}, {at:,g}: {y:.3f}{between}")
