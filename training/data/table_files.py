"""Files of rows and columns: CSV, JSON lines or parquet in, columns of strings out, or an error that says where."""

import gzip
import json
import re
import zlib
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import pandas as pd
from pandas.api.types import is_scalar

from training.config import nearest
from training.errors import TrainingError

READABLE = {".csv": "csv", ".jsonl": "jsonl", ".ndjson": "jsonl", ".parquet": "parquet"}
NO_CHARACTER = re.compile("[\ud800-\udfff]")  # what is not UTF-8 arrives as U+DC80 to U+DCFF: PEP 383
ESCAPED_BYTE = 0xDC00


def read_columns(
    path: Path, columns: Sequence[str], format: str | None = None, separator: str = ","
) -> list[list[str]]:
    """Columns as strings, a missing value as the empty one. Unless given, the ending says the format.

    A `.gz` behind it is unpacked. Raises TrainingError naming the file and, where it has one, the row and column.
    """
    format = format or READABLE.get(Path(path.name.removesuffix(".gz")).suffix.lower())
    if format is None:
        raise TrainingError(f"{path}: unknown format; known file endings are {', '.join(READABLE)}")
    table = _read(path, format, separator)
    for column in columns:
        if column not in table:
            raise TrainingError(f"{path}: no column {column!r}; {nearest(column, [str(c) for c in table])}")
    return [_strings(path, column, table[column]) for column in columns]


def _read(path: Path, format: str, separator: str) -> pd.DataFrame:
    try:
        if format == "csv":
            return _read_csv(path, separator)
        return _read_json_lines(path) if format == "jsonl" else pd.read_parquet(path)
    except (OSError, EOFError, zlib.error) as error:
        raise TrainingError(f"{path}: cannot be read: {getattr(error, 'strerror', None) or error}") from error
    except ImportError as error:
        raise TrainingError(
            f"{path}: parquet needs the training extra: pip install 'bearwatch[train]'"
        ) from error
    except UnicodeError as error:
        raise TrainingError(f"{path}: not readable as {format}: its first line is not UTF-8") from error
    except ValueError as error:  # no parquet, ragged rows
        raise TrainingError(f"{path}: not readable as {format}: {error}") from error


def _read_csv(path: Path, separator: str) -> pd.DataFrame:
    try:
        table = pd.read_csv(
            path,
            sep=separator,
            dtype=object,
            keep_default_na=False,
            encoding="utf-8-sig",
            encoding_errors="surrogateescape",
        )
    except pd.errors.EmptyDataError as error:
        raise ValueError("the file is empty") from error
    except pd.errors.ParserError as error:
        said = str(error).strip().removeprefix("Error tokenizing data. C error: ")
        raise ValueError(f"{said}; put texts with {separator!r} in quotes, and close them") from error
    if len(table) and not isinstance(table.index, pd.RangeIndex):  # pandas would shift the cells by one
        raise ValueError(
            f"row 0 has more cells than the header; put texts with {separator!r} in quotes, and close them"
        )
    return table


def _read_json_lines(path: Path) -> pd.DataFrame:
    records: list[dict[str, Any]] = []
    with (gzip.open if path.suffix == ".gz" else open)(path, "rb") as file:
        for line in file:
            if not line.strip():
                continue
            try:
                record = json.loads(line.decode("utf-8", "surrogateescape").removeprefix("\ufeff"))
            except (json.JSONDecodeError, RecursionError) as error:
                raise ValueError(f"row {len(records)}: {error}") from error
            if not isinstance(record, dict):
                raise ValueError(f"row {len(records)}: no JSON object")
            records.append(record)
    return pd.DataFrame(records, dtype=object)


def _strings(path: Path, column: str, cells: Iterable[object]) -> list[str]:
    values = []
    for row, cell in enumerate(cells):
        try:
            values.append(_string(cell))
        except ValueError as error:
            raise TrainingError(f"{path}: row {row}, column {column!r}: {error}") from error
    return values


def _string(cell: object) -> str:
    """As text; 2.0 is '2', because a column of integers with a gap arrives as floats. Raises ValueError."""
    if cell is None or cell is pd.NA or cell is pd.NaT or (isinstance(cell, float) and cell != cell):
        return ""
    if not is_scalar(cell):
        kind = "an object" if isinstance(cell, dict) else "a list"
        raise ValueError(f"{kind}, not one value; write it as a string")
    if isinstance(cell, float) and cell.is_integer():
        return str(int(cell))
    if isinstance(cell, bytes):  # parquet's binary columns
        cell = cell.decode("utf-8", "surrogateescape")
    text = str(cell).strip()
    if found := NO_CHARACTER.search(text):
        raise ValueError(_no_character(found[0]))
    return text


def _no_character(found: str) -> str:
    byte = ord(found) - ESCAPED_BYTE
    if not 0x80 <= byte <= 0xFF:
        return f"\\u{ord(found):04x} is half a character"
    return f"the byte 0x{byte:02X} is not UTF-8 ({chr(byte)!r} in Latin-1); save the file as UTF-8"
