"""`models` as a library: the README's example does what it says, and importing the package costs nothing."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

import models

README = (Path(__file__).parents[2] / "README.md").read_text()
EXAMPLE = re.compile(r"```python\n(.+?)```\n\nprints `(.+?)`", re.DOTALL)


def test_the_readme_s_example_prints_what_the_readme_says(capsys: pytest.CaptureFixture[str]) -> None:
    ((code, printed),) = EXAMPLE.findall(README)
    exec(code, {})  # noqa: S102 - it is our own README
    assert capsys.readouterr().out == f"{printed}\n"


def test_text_and_manifest_are_imported_without_an_engine() -> None:
    """Training's data preparation and `--help` would pay for onnxruntime otherwise: half a second and 100 MB."""
    code = "import sys, models.text, models.manifest; print({'numpy', 'onnxruntime', 'openvino'} & sys.modules.keys())"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout == "set()\n"


def test_a_name_that_the_package_lacks_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="module 'models' has no attribute 'Clasifier'"):
        models.Clasifier  # type: ignore[attr-defined]  # noqa: B018
