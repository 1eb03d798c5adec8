"""Tables: what cannot be read is an error that names file, row and column."""

from pathlib import Path

import pandas as pd
import pytest

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
