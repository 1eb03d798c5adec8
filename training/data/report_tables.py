"""The data and leak reports as text tables for a terminal and the log."""

from rich import box
from rich.table import Table

from bearwatch.core.console import PlainConsole
from training.data.corpus import Corpus
from training.data.leaks import LeakReport
from training.data.report import DataReport

WIDTH = 120  # of the log, in columns
SHOWN_CLASSES = 25


def as_text(corpus: Corpus) -> str:
    """The reports as plain text, at most WIDTH columns wide."""
    console = PlainConsole(width=WIDTH, color_system=None)
    with console.capture() as captured:
        console.print(
            _sets(corpus.data), _splits(corpus.data), _conflicts(corpus.data), _leaks(corpus.leaks), sep="\n"
        )
    lines = (line.rstrip() for line in captured.get().splitlines())
    return "\n".join(line for line in lines if line)


def _table(title: str, *columns: str) -> Table:
    table = Table(
        title=title, title_justify="left", min_width=len(title), box=box.SIMPLE_HEAD, pad_edge=False
    )
    for column in columns:
        left = column in ("set", "head", "classes in train")
        table.add_column(column, justify="left" if left else "right", no_wrap=not left)
    return table


def _sets(data: DataReport) -> Table:
    table = _table(
        "Data sets; exact and near duplicates of evaluation texts are dropped; a script is not a language",
        *("", "set", "rows", "empty", "exact", "near", "kept", "words 5/50/95 %", "script"),
    )
    for number, one in enumerate(data.sets, 1):
        script = next(iter(one.scripts))
        trained = one.role != "evaluation"
        table.add_row(
            str(number),
            f"{one.name} ({one.role})",
            f"{one.rows:,}",
            f"{one.empty:,}",
            f"{one.exact_leaks:,}" if trained else "",
            f"{one.near_leaks:,}" if trained else "",
            f"{one.kept:,}" if trained else "",
            f"{one.words.p5}/{one.words.median}/{one.words.p95}",
            f"{script} {one.scripts[script] / one.rows:.1%}",
        )
    return table


def _splits(data: DataReport) -> Table:
    table = _table("Different texts in the splits", "head", "train", "dev", "classes in train")
    for head, classes in data.splits["train"].items():
        dev = sum(data.splits["dev"][head].values())
        table.add_row(head, f"{sum(classes.values()):,}", f"{dev:,}", _class_counts(classes))
    table.add_row("none", f"{data.unlabelled:,}", "0", "")
    return table


def _class_counts(classes: dict[str, int]) -> str:
    """Classes with their counts, largest first; of more than SHOWN_CLASSES only the largest and the smallest."""
    ordered = sorted(classes.items(), key=lambda item: -item[1])
    shown = [f"{label} {count:,}" for label, count in ordered]
    if len(shown) > SHOWN_CLASSES:
        shown[SHOWN_CLASSES - 1 : -1] = ["..."]
    return ", ".join(shown)


def _conflicts(data: DataReport) -> str:
    ties = sum(one.label is None for one in data.conflicts)
    return (
        f"Texts with different labels: {len(data.conflicts)}; {len(data.conflicts) - ties} decided by majority, "
        f"{ties} left out as ties"
    )


def _leaks(leaks: LeakReport) -> Table:
    numbers = [str(number) for number in range(1, len(leaks.sets) + 1)]
    table = _table(
        "Rows of the set in the line with an exact+near duplicate in the set of the column", "", *numbers
    )
    for number, exact, near in zip(numbers, leaks.exact, leaks.near, strict=True):
        cells = (f"{e}+{n}" if e or n else "." for e, n in zip(exact, near, strict=True))
        table.add_row(number, *cells)
    return table
