"""Tables: what cannot be read is an error that names file, row and column."""

from pathlib import Path

import pandas as pd
import pyarrow as pa
import pytest
from pyarrow import parquet

from training.data.table_files import read_columns
from training.errors import TrainingError


def test_text_of_a_parquet_file_that_is_not_utf_8_names_its_row(tmp_path: Path):
    path = tmp_path / "labels.parquet"
    pd.DataFrame({"text": ["oil", "bänk"]}).to_parquet(path, compression=None)
    path.write_bytes(path.read_bytes().replace("bänk".encode(), b"b\xff\xffnk"))
    with pytest.raises(
        TrainingError, match=r"labels\.parquet: row 1, column 'text': not UTF-8: invalid start byte"
    ):
        read_columns(path, ["text"])


def test_metadata_of_a_parquet_file_that_make_no_sense_are_an_error(tmp_path: Path):
    path = tmp_path / "labels.parquet"
    table = pa.Table.from_pandas(pd.DataFrame({"text": pd.to_datetime(["2026-01-01"])}))
    described = (
        table.schema.metadata[b"pandas"].replace(b"datetime64[ns]", b"odd").replace(b"datetime64[us]", b"odd")
    )
    parquet.write_table(
        table.replace_schema_metadata({b"pandas": described.replace(b'"object"', b'"Sbject"')}), path
    )
    with pytest.raises(TrainingError, match=r"labels\.parquet: not readable as parquet"):
        read_columns(path, ["text"])
