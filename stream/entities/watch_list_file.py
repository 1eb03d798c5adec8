"""The file of a watch list: CSV or TOML, read as a whole or refused as a whole.

CSV, a header and one row per company; several texts of a cell are separated by semicolons:

    id,names,aliases,tickers,near,not_near,ambiguous
    GAP,Gap Inc,Gap;Old Navy,NYSE:GAP,retailer;clothing,pay gap,yes

TOML, the same with lists:

    [[companies]]
    id = "GAP"
    names = ["Gap Inc"]
    tickers = ["NYSE:GAP"]
"""

import csv
import hashlib
import io
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path

from bearwatch.core.files import read_limited
from bearwatch.core.nearest import nearest
from bearwatch.core.printable import brief
from stream.entities.watch_list import Company, WatchList, checked
from stream.errors import WatchListError

FILE_BYTES = 32 * 2**20  # 50,000 companies have some 5 MB
LISTS = ("names", "aliases", "tickers", "near", "not_near")
COLUMNS = ("id", *LISTS, "ambiguous")
TABLE = "companies"
TRUTH = {"yes": True, "true": True, "1": True, "no": False, "false": False, "0": False, "": None}


def load_watch_list(path: Path) -> WatchList:
    """Read the file; the name's end says which kind it is.

    Raises:
        WatchListError: it cannot be read or used; the message names the row and what to do.
    """
    readers = {".csv": _csv_rows, ".toml": _toml_rows}
    if path.suffix.lower() not in readers:
        raise WatchListError(f"{path}: the name of a watch list ends in .csv or .toml")
    try:
        content = read_limited(path, FILE_BYTES)
        rows = readers[path.suffix.lower()](_decoded(content))
        watch_list = checked(rows, hashlib.sha256(content).hexdigest()[:16], str(path))
    except OSError as error:
        raise WatchListError(f"{path}: cannot be read: {error.strerror or error}") from None
    except ValueError as error:
        raise WatchListError(f"{path}: {error}") from None
    if not watch_list.companies:
        raise WatchListError(f"{path}: it names no company; without a watch list, leave the setting out")
    return watch_list


def _decoded(content: bytes) -> str:
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise ValueError("it is UTF-16; save it as UTF-8")
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise ValueError(f"line {line} is not UTF-8 ({error.reason}); save the file as UTF-8") from None
    if "\0" in text:
        line = text.count("\n", 0, text.index("\0")) + 1
        raise ValueError(f"line {line} holds the character zero; save the file as UTF-8 text")
    return text


def _csv_rows(text: str) -> Iterator[tuple[str, Company]]:
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    try:
        header = [each.strip() for each in next(reader, [])]
        _check_header(header)
        for cells in reader:
            where = f"line {reader.line_num}"
            if not any(each.strip() for each in cells):
                continue
            if len(cells) != len(header):
                raise ValueError(f"{where}: {len(cells)} cells, but the header has {len(header)} columns")
            yield where, _from_cells(dict(zip(header, cells, strict=True)), where)
    except csv.Error as error:
        raise ValueError(f"line {reader.line_num}: not CSV: {error}") from None


def _check_header(header: list[str]) -> None:
    if len(header) == 1 and header[0].count(";") + header[0].count("\t") > 0:
        raise ValueError("line 1: columns are separated by commas, and the texts of a cell by semicolons")
    for name in header:
        _known(name, "line 1: column")
    if twice := {each for each in header if header.count(each) > 1}:
        raise ValueError(f"line 1: the column {min(twice)} is there twice")
    if "id" not in header:
        raise ValueError(f"line 1: there is no column id; the columns are {', '.join(COLUMNS)}")


def _from_cells(cells: Mapping[str, str], where: str) -> Company:
    lists = {name: _split(cells[name]) for name in LISTS if name in cells}
    ambiguous = cells.get("ambiguous", "").strip().lower()
    if ambiguous not in TRUTH:
        raise ValueError(f"{where}: ambiguous is {brief(ambiguous)!r}, expected yes, no or nothing")
    return Company(id=cells["id"].strip(), **lists, ambiguous=TRUTH[ambiguous])


def _split(cell: str) -> tuple[str, ...]:
    return tuple(each.strip() for each in cell.split(";")) if cell.strip() else ()


def _toml_rows(text: str) -> Iterator[tuple[str, Company]]:
    try:
        content = tomllib.loads(text)
    except RecursionError:
        raise ValueError("tables or lists are nested too deeply") from None
    for key in content:
        if key != TABLE:
            raise ValueError(f"unknown key {brief(key)!r}; each company is a table [[{TABLE}]]")
    tables = content.get(TABLE, [])
    if not isinstance(tables, list) or not all(isinstance(each, dict) for each in tables):
        raise ValueError(f"{TABLE} is not a list of tables; each company is a table [[{TABLE}]]")
    for number, table in enumerate(tables, 1):
        yield f"company {number}", _from_table(table, f"company {number}")


def _from_table(table: Mapping[str, object], where: str) -> Company:
    for key in table:
        _known(key, f"{where}: key")
    id_, ambiguous = table.get("id", ""), table.get("ambiguous")
    if not isinstance(id_, str):
        raise ValueError(f'{where}: id is not a text, as in id = "ACME"')
    if ambiguous is not None and not isinstance(ambiguous, bool):
        raise ValueError(f"{where}: ambiguous is neither true nor false")
    lists = {name: _texts(table[name], f"{where}: {name}") for name in LISTS if name in table}
    return Company(id=id_, **lists, ambiguous=ambiguous)


def _texts(value: object, where: str) -> tuple[str, ...]:
    if not isinstance(value, list) or not all(isinstance(each, str) for each in value):
        raise ValueError(f'{where} is not a list of texts, as in ["ACME", "Acme Corp"]')
    return tuple(each.strip() for each in value)


def _known(name: str, what: str) -> None:
    if name not in COLUMNS:
        raise ValueError(f"{what} {brief(name)!r} is not known; the nearest one is {nearest(name, COLUMNS)}")
