"""The tree: ARCHITECTURE.md's table, the import contracts and the folders name the same packages."""

import ast
import re
import subprocess
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]
ROOTS: list[str] = PROJECT["importlinter"]["root_packages"]
PACKAGES = sorted(
    path.parent.relative_to(ROOT).as_posix() for root in ROOTS for path in (ROOT / root).rglob("__init__.py")
)
TABLE = re.findall(r"^\| `([\w/.-]+)/` \|", (ROOT / "ARCHITECTURE.md").read_text(), re.MULTILINE)
NOT_OF_A_PACKAGE = {"support", "repository", "fuzz", "fuzz/generation", "fuzz/targets"}  # folders of tests


def contracted() -> Iterator[str]:
    """Every module that a contract places: as a layer, or as what may not import something."""
    for contract in PROJECT["importlinter"]["contracts"]:
        yield from contract.get("source_modules", ())
        layers = [name for layer in contract.get("layers", ()) for name in re.split(r"\s*[:|]\s*", layer)]
        containers = [f"{name}." for name in contract.get("containers", ())] or [""]
        yield from (f"{container}{layer.strip('()')}" for container in containers for layer in layers)


def test_the_roots_are_what_the_wheel_holds_and_what_is_type_checked():
    assert PROJECT["hatch"]["build"]["targets"]["wheel"]["packages"] == ROOTS
    assert PROJECT["mypy"]["packages"] == ROOTS


def test_every_package_is_one_line_of_the_table():
    assert len(TABLE) == len(set(TABLE))
    assert set(PACKAGES) - set(TABLE) == set(), "packages that ARCHITECTURE.md does not name"


def test_every_folder_at_the_top_is_one_line_of_the_table():
    files = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True)
    folders = {file.split("/")[0] for file in files.stdout.splitlines() if "/" in file}
    assert {folder for folder in folders if not folder.startswith(".")} <= set(TABLE)


def test_every_folder_of_the_table_exists():
    assert [folder for folder in TABLE if not (ROOT / folder).is_dir()] == []


@pytest.mark.parametrize("package", PACKAGES)
def test_every_package_has_its_place_in_an_import_contract(package: str):
    name = package.replace("/", ".")
    assert any(f"{each}.".startswith(f"{name}.") for each in contracted())


@pytest.mark.parametrize("package", PACKAGES)
def test_every_package_says_what_is_in_it_and_what_is_not(package: str):
    """In one or two sentences at the top; an example may follow after an empty line."""
    text = ast.get_docstring(ast.parse((ROOT / package / "__init__.py").read_text())) or ""
    beginning = " ".join(text.split("\n\n")[0].split())
    assert 1 <= len(re.findall(r"\.(?: |$)", beginning)) <= 2, beginning
    assert re.search(r"\b(no|not|nothing|none|never|without)\b", beginning, re.IGNORECASE), beginning


def test_test_folders_are_those_of_packages():
    tests = ROOT / "tests"
    folders = {path.parent.relative_to(tests).as_posix() for path in tests.rglob("*.py")} - {"."}
    assert folders - NOT_OF_A_PACKAGE <= set(TABLE)


def test_support_holds_no_test():
    """pytest collects files named test_*; a helper of that name would be one."""
    assert list((ROOT / "tests" / "support").rglob("test_*.py")) == []
