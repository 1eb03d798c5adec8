"""HTML pages from templates: values are escaped and printable, and a missing value is an error."""

from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from bearwatch.core.printable import printable_lines


def templates(folder: Path) -> Environment:
    """An environment that renders the templates in a folder."""
    return Environment(
        loader=FileSystemLoader(folder),
        autoescape=True,
        finalize=_printable,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def _printable(value: Any) -> Any:
    """Without control characters and the like, which would turn or hide parts of a page; Markup is ours."""
    return printable_lines(value) if isinstance(value, str) and not isinstance(value, Markup) else value
