"""The tables of docs/DETECTION.md, as Markdown."""

from collections.abc import Iterable, Sequence

import numpy as np

from benchmarks.detection.scene_table import Played
from benchmarks.detection.scoring import (
    Outcome,
    clear_times,
    delays,
    false_alarms_per_week,
    interval,
    median_delay,
    recall,
    time_firing,
)
from benchmarks.detection.simulate import HOURS, ODDS_RATIOS

HEADINGS = (
    "detector",
    "false alarms a week",
    "recall",
    "minutes: median",
    "90th percentile",
    "to clear",
    "% of calm time firing",
)


def heading(columns: Sequence[str]) -> str:
    return "| " + " | ".join(columns) + " |\n|" + "---|" * len(columns)


def row(name: str, outcomes: Sequence[Outcome], rng: np.random.Generator) -> str:
    """One detector; in brackets 95 % bootstrap intervals over keys."""
    waited, cleared = delays(outcomes), clear_times(outcomes)
    cells = [
        name,
        f"{false_alarms_per_week(outcomes):.2f} ({_range(interval(false_alarms_per_week, outcomes, rng), '.2f')})",
        f"{recall(outcomes):.2f} ({_range(interval(recall, outcomes, rng), '.2f')})",
        "–"
        if not waited.size
        else f"{median_delay(outcomes):.0f} ({_range(interval(median_delay, outcomes, rng), '.0f')})",
        "–" if not waited.size else f"{np.percentile(waited, 90):.0f}",
        "–" if not cleared.size else f"{np.median(cleared):.0f}",
        f"{100 * time_firing(outcomes):.2f}",
    ]
    return "| " + " | ".join(cells) + " |"


def by_size(outcomes: Sequence[Outcome]) -> str:
    """Recall and median minutes for each odds ratio and length."""
    lines = [heading(["odds ratio", *(f"{hours} h" for hours in HOURS)])]
    for ratio in ODDS_RATIOS:
        cells = [f"{ratio:g}"]
        for hours in HOURS:
            found = [
                episode.delay
                for each in outcomes
                for episode in each.episodes
                if (episode.surge.odds_ratio, episode.surge.hours) == (ratio, hours)
            ]
            seen = [delay for delay in found if delay is not None]
            cells.append(f"{len(seen) / len(found):.2f} / {np.median(seen):.0f}" if seen else "0.00 / –")
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines)


def scenes(played: Iterable[Played]) -> str:
    """Alarms per key and week of each scene, over all desks."""
    alarms: dict[str, list[float]] = {}
    for each in played:
        total = alarms.setdefault(each.scene, [0, 0.0])
        total[0] += each.alarms
        total[1] += each.key_weeks
    lines = [heading(["scene", "alarms", "weeks of keys", "a week"])]
    lines += [f"| {name} | {n:g} | {weeks:g} | {n / weeks:.2f} |" for name, (n, weeks) in alarms.items()]
    return "\n".join(lines)


def _range(bounds: tuple[float, float], form: str) -> str:
    return " to ".join(format(bound, form) for bound in bounds)
