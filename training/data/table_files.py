"""CSV, JSON lines and parquet files as columns of strings; what cannot be read is an error that says where."""

import gzip
import json
import re
import zlib
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import pandas as pd
from pandas.api.types import is_scalar

from bearwatch.core.nearest import nearest
from training.errors import TrainingError

READABLE = {".csv": "csv", ".jsonl": "jsonl", ".ndjson": "jsonl", ".parquet": "parquet"}
NOT_UTF8 = re.compile("[\ud800-\udfff]")  # bytes that are not UTF-8 arrive as U+DC80 to U+DCFF: PEP 383
ESCAPED_BYTE = 0xDC00


def read_columns(
    path: Path, columns: Sequence[str], format: str | None = None, separator: str = ","
) -> list[list[str]]:
    """The named columns, each a string per row; a missing value is the empty string.

    Args:
        path: the file; one whose name ends in `.gz` is unpacked.
        format: csv, jsonl or parquet; without it, the ending of the file name decides.
        separator: between the columns of a CSV file.

    Raises:
        TrainingError: naming the file and, where there is one, the row and the column.
    """
    format = format or READABLE.get(Path(path.name.removesuffix(".gz")).suffix.lower())
    if format is None:
        raise TrainingError(f"{path}: unknown format; known file endings are {', '.join(READABLE)}")
    table = _read(path, format, separator)
    for column in columns:
        if column not in table:
            raise TrainingError(
                f"{path}: no column {column!r}; the nearest one is {nearest(column, map(str, table))!r}"
            )
    return [_strings(path, column, table[column]) for column in columns]


def _read(path: Path, format: str, separator: str) -> pd.DataFrame:
    try:
        if path.is_char_device():
            raise ValueError("it is a device, not a file")
        if format == "csv":
            return _read_csv(path, separator)
        return _read_json_lines(path) if format == "jsonl" else _read_parquet(path)
    except (OSError, EOFError, zlib.error) as error:
        raise TrainingError(f"{path}: cannot be read: {getattr(error, 'strerror', None) or error}") from error
    except ImportError as error:
        raise TrainingError(
            f"{path}: parquet needs the training extra: pip install 'bearwatch[train]'"
        ) from error
    except UnicodeError as error:
        raise TrainingError(f"{path}: not readable as {format}: its first line is not UTF-8") from error
    except ValueError as error:  # not parquet, ragged rows
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
        reason = str(error).strip().removeprefix("Error tokenizing data. C error: ")
        raise ValueError(f"{reason}; put texts with {separator!r} in quotes, and close them") from error
    if len(table) and not isinstance(table.index, pd.RangeIndex):  # pandas would shift the cells by one
        raise ValueError(
            f"row 0 has more cells than the header; put texts with {separator!r} in quotes, and close them"
        )
    return table


def _read_parquet(path: Path) -> pd.DataFrame:
    try:
        return pd.read_parquet(path)
    except (OSError, ImportError, ValueError):
        raise
    except Exception as error:  # of what is wrong inside the file; pandas and pyarrow document no base
        raise ValueError(f"{type(error).__name__}: {error}") from error


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
                raise ValueError(f"row {len(records)}: not a JSON object")
            records.append(record)
    if not records:
        raise ValueError("the file is empty")
    return pd.DataFrame(records, dtype=object)


def _strings(path: Path, column: str, cells: Iterable[object]) -> list[str]:
    values: list[str] = []
    try:
        for cell in cells:
            values.append(_string(cell))  # noqa: PERF401 - an error names the row by their number
    except UnicodeDecodeError as error:  # of parquet's text columns, found only when a cell is asked for
        raise TrainingError(
            f"{path}: row {len(values)}, column {column!r}: not UTF-8: {error.reason}"
        ) from error
    except ValueError as error:
        raise TrainingError(f"{path}: row {len(values)}, column {column!r}: {error}") from error
    return values


def _string(cell: object) -> str:
    """A cell as text; 2.0 becomes '2', because pandas reads integers with a gap as floats. Raises ValueError."""
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
    if match := NOT_UTF8.search(text):
        raise ValueError(_not_utf8(match[0]))
    return text


def _not_utf8(character: str) -> str:
    byte = ord(character) - ESCAPED_BYTE
    if not 0x80 <= byte <= 0xFF:
        return f"\\u{ord(character):04x} is half a character"
    return f"the byte 0x{byte:02X} is not UTF-8 ({chr(byte)!r} in Latin-1); save the file as UTF-8"
