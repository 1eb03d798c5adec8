"""`bearwatch classify`: texts to JSON lines, as in `bearwatch classify "ACME misses estimates"`.

    bearwatch classify < headlines.txt
    bearwatch classify --jsonl < documents.jsonl     # objects with a `text`; their other fields are kept

It streams: results are written in the order of the input, as soon as their lines have been read.
"""

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import IO, Any, BinaryIO

import click
import msgspec

from bearwatch.core.console import echo
from bearwatch.core.printable import printable_json
from bearwatch.settings import settings
from bearwatch.standard_streams import discard_output
from models.classifier import Classification, Classifier
from models.text import normalise

BLOCK_BYTES = 1 << 16
MAX_LINE_BYTES = 4 << 20  # Kafka's messages have at most 1 MiB; a longer line is not a document
CHUNK_LINES = 256  # takes a slow CPU a second, and fills batches

Record = dict[str, Any]


class BadLineError(Exception):
    """A line cannot be classified; the message says why."""


@click.command()
@click.argument("texts", metavar="[TEXT ...]", nargs=-1, type=click.UNPROCESSED)
@click.option("--jsonl", is_flag=True, help="Lines are JSON objects with a `text`; other fields are kept.")
@click.option(
    "--abstain",
    is_flag=True,
    help="null instead of a label whose probability is below the head's threshold in the model's manifest.",
)
@settings("model", "engine")
def command(texts: tuple[str, ...], jsonl: bool, abstain: bool, model: Path, engine: str) -> None:
    """Classify each TEXT, or each line on standard input, into one JSON line.

    A line that cannot be classified is reported on standard error and left out; the exit code is then 1.
    """
    if texts and jsonl:
        raise click.UsageError("--jsonl is for standard input; leave out TEXT")
    classifier = Classifier.load(model, engine)
    if texts:
        chunks = iter([[text.encode(errors="surrogateescape") for text in texts]])
    else:
        chunks = whole_lines(click.get_binary_stream("stdin"))
    thresholds = {
        name: head.abstain_below if abstain else 0.0 for name, head in classifier.manifest.heads.items()
    }
    try:
        bad = write_results(classifier, chunks, jsonl, thresholds, click.get_binary_stream("stdout"))
    except BrokenPipeError:  # as in `| head`; the bad lines before it do not count
        discard_output()
        return
    if bad:
        raise click.exceptions.Exit(1)


def whole_lines(stream: IO[bytes]) -> Iterator[list[bytes]]:
    """Lines as soon as they are complete, at most `CHUNK_LINES` at a time; of one too long, a byte over the limit."""
    rest = b""
    while block := stream.read1(BLOCK_BYTES):  # type: ignore[attr-defined]  # what is there, without waiting for more
        *lines, rest = (rest + block).split(b"\n")
        rest = rest[: MAX_LINE_BYTES + 1]
        for start in range(0, len(lines), CHUNK_LINES):
            yield lines[start : start + CHUNK_LINES]
    yield [rest]


def write_results(
    classifier: Classifier,
    chunks: Iterable[list[bytes]],
    jsonl: bool,
    thresholds: Mapping[str, float],
    out: BinaryIO,
) -> int:
    """Write one JSON line for each good line; returns how many lines were bad. Blank lines are skipped.

    `thresholds`: by head, the probability that a label must have to be written.
    """
    number = bad = 0
    for lines in chunks:
        records = []
        for line in lines:
            number += 1
            try:
                if line.strip():
                    records.append(parse(line, jsonl))
            except BadLineError as error:
                bad += 1
                echo(f"line {number}: {error}; left out", err=True)
        results = classifier.classify([text for text, _ in records])
        for (_, record), result in zip(records, results, strict=True):
            line = msgspec.json.encode(record | fields(result, thresholds))
            out.write(printable_json(line).encode() + b"\n")
        out.flush()
    return bad


def parse(line: bytes, jsonl: bool) -> tuple[str, Record]:
    """The text of a line, and the fields that are written back unchanged; raises BadLineError."""
    if len(line) > MAX_LINE_BYTES:
        raise BadLineError(f"longer than {MAX_LINE_BYTES >> 20} MiB")
    try:
        decoded = line.decode()
        record = msgspec.json.decode(decoded, type=dict[str, msgspec.Raw]) if jsonl else {}
        text = msgspec.json.decode(record["text"], type=str) if jsonl else decoded.rstrip("\r")
    except UnicodeDecodeError as error:
        raise BadLineError(f"not UTF-8 (byte {error.start + 1})") from error
    except (msgspec.DecodeError, RecursionError) as error:
        raise BadLineError(f"not a JSON object with a text ({error})") from error
    except KeyError as error:
        raise BadLineError("no field `text`") from error
    if not normalise(text):
        raise BadLineError("the text is empty without markup and links")
    return text, {"text": text} | record


def fields(answer: Classification, thresholds: Mapping[str, float]) -> Record:
    """For every head two fields, as `topic` and `topic_probability`; they replace fields of the same name."""
    named: Record = {}
    for head, prediction in answer.predictions.items():
        named[head] = prediction.label if prediction.probability >= thresholds[head] else None
        named[f"{head}_probability"] = round(prediction.probability, 6)
    return named
