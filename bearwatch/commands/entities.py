"""`bearwatch entities check FILE`: what a watch list holds, and what it finds in texts.

bearwatch entities check companies.csv
bearwatch entities check companies.csv --texts documents.jsonl
tail -n 1000 headlines.txt | bearwatch entities check companies.csv --texts -
"""

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import IO, TypeVar

import click
import msgspec

from bearwatch.commands.classify import BadLineError, parse, whole_lines
from bearwatch.core.console import echo
from bearwatch.core.printable import brief
from models.text import normalise
from stream.entities.matcher import Matcher
from stream.entities.review import Review, review
from stream.entities.watch_list_file import load_watch_list

Remark = TypeVar("Remark")
SHOWN = 20  # of each kind of remark; of a long list the rest is counted


@click.group
def command() -> None:
    """The companies that are watched, besides the topics."""


@command.command
@click.argument("file", type=click.Path(path_type=Path))
@click.option(
    "--texts",
    type=click.Path(allow_dash=True),
    metavar="FILE|-",
    help="Also show what the list finds in these lines: texts, or documents as JSON.",
)
@click.pass_context
def check(ctx: click.Context, file: Path, texts: str | None) -> None:
    """Check the watch list FILE (.csv or .toml) without a Kafka.

    It prints how many companies, names and tickers the list has; ambiguous names that only a legal suffix can
    confirm; names that are a part of another company's name; and names that two companies share. With --texts
    each company found is one line: the number of the text, the company, the words found, and why they count.
    A line that begins with { is a document: its `text` and `tickers` are read.

    Exit code 0 if the list can be used, 2 if not, 1 if a line of --texts cannot be read; it is reported and left out.
    """
    watch_list = load_watch_list(file)
    for line in report(review(watch_list)):
        echo(line)
    if texts is not None:
        with click.open_file(texts, "rb") as lines:
            ctx.exit(_look_for(Matcher(watch_list), lines))


def report(found: Review) -> Iterator[str]:
    """The review as lines for people."""
    yield f"{found.companies:,} companies, {found.names:,} names, {found.tickers:,} tickers"
    yield from _section(
        found.without_sign,
        "Ambiguous names; only a legal suffix or a word such as shares can confirm them: "
        "add a ticker, an alias or near words",
        lambda each: f"{each[0]}: {each[1]}",
    )
    yield from _section(
        found.inside,
        "Names inside a name of another company, where they do not count",
        lambda each: f"{each[0]}: {each[1]} is in {each[3]} ({each[2]})",
    )
    yield from _section(
        found.shared,
        "Names that two companies have once the legal suffix is left out; they do not count without it",
        lambda each: f"{each[0]}: {', '.join(each[1])}",
    )


def _section(found: Sequence[Remark], what: str, shown: Callable[[Remark], str]) -> Iterator[str]:
    if found:
        yield f"{what} ({len(found):,}):"
        yield from (f"  {shown(each)}" for each in found[:SHOWN])
        if len(found) > SHOWN:
            yield f"  and {len(found) - SHOWN:,} more"


def _look_for(matcher: Matcher, texts: IO[bytes]) -> int:
    """Show what is found in each line; returns the exit code."""
    number = read = about = bad = 0
    for lines in whole_lines(texts):
        for line in lines:
            number += 1
            if not line.strip():
                continue
            try:
                text, tickers = _document(line)
            except BadLineError as error:
                bad += 1
                echo(f"line {number}: {error}; left out", err=True)
                continue
            matches = matcher.find(text, tickers)
            read, about = read + 1, about + bool(matches)
            for match in matches:
                echo(f"line {number}: {match.company}: {brief(match.found)!r}, {match.why}")
    echo(f"{read:,} texts, {about:,} about a watched company")
    return 1 if bad else 0


def _document(line: bytes) -> tuple[str, list[str]]:
    """The normalised text and the tickers of a line. Raises BadLineError."""
    text, record = parse(line, jsonl=line.lstrip().startswith(b"{"))
    try:
        tickers = msgspec.json.decode(record["tickers"], type=list[str]) if "tickers" in record else []
    except msgspec.DecodeError as error:
        raise BadLineError(f"tickers: {brief(error)}") from None
    return normalise(text), tickers
