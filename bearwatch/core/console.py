"""The terminal: the only way in which commands write text to it. Nothing that they write is markup or a control code.

Texts, names, reasons and labels come from outside. rich would read `[red]` or `[/x]` in them as markup, and fail on
the second; a terminal would obey an escape sequence.
"""

from collections.abc import Iterator
from typing import Any

import click
from rich.console import Console, ConsoleOptions, RenderableType
from rich.segment import Segment

from bearwatch.core.printable import printable_lines


def echo(text: str, err: bool = False) -> None:
    """Write lines to standard output, or to standard error."""
    click.echo(printable_lines(text), err=err)


class PlainConsole(Console):
    """rich's, for tables and progress bars: text is text, and printable; only styles that the program sets count."""

    def __init__(self, **options: Any) -> None:
        super().__init__(markup=False, emoji=False, highlight=False, **options)

    def render(self, renderable: RenderableType, options: ConsoleOptions | None = None) -> Iterator[Segment]:
        for segment in super().render(renderable, options):
            yield segment if segment.control else Segment(printable_lines(segment.text), segment.style)
