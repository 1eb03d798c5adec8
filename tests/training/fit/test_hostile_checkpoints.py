"""A checkpoint or a run of somebody else: nothing in it is executed, and it makes nothing be fetched."""

import ast
import io
import json
import pickle
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from tiny_training import table, write_checkpoint

from training.config_file import parse_config
from training.errors import TrainingError
from training.fit.network import new_network, saved_network
from training.fit.run_folder import RunFolder

ROOT = Path(__file__).parents[3]
# Calls that execute what a file says, whatever their arguments are.
NEVER = {"load_module", "read_pickle", "unsafe_load", "Unpickler", "exec_module", "run_path"}
LOADING = {"from_pretrained", "from_config"}  # of transformers' Auto classes


class Executed:
    """Creates a file when it is unpickled."""

    def __init__(self, mark: Path) -> None:
        self.mark = mark

    def __reduce__(self) -> tuple[Any, ...]:
        return (Path.touch, (self.mark,))


@pytest.fixture
def base(tmp_path: Path) -> Path:
    return write_checkpoint(tmp_path / "base")


@pytest.fixture
def mark(tmp_path: Path) -> Iterator[Path]:
    """The file that hostile code would create."""
    yield tmp_path / "executed"
    assert not (tmp_path / "executed").exists()


def hostile(mark: Path) -> list[bytes]:
    """As plain pickles, as torch writes them today and as it wrote them before."""
    written = [pickle.dumps({"w": Executed(mark)}, protocol=2)]
    for zipped in (True, False):
        file = io.BytesIO()
        torch.save({"w": Executed(mark)}, file, _use_new_zipfile_serialization=zipped)
        written.append(file.getvalue())
    return written


def edit(file: Path, **fields: object) -> None:
    file.write_text(json.dumps(json.loads(file.read_text()) | fields))


def write_code(base: Path, mark: Path) -> None:
    """Classes of transformers in a module of the checkpoint, which creates a file when it is imported."""
    (base / "code.py").write_text(
        f"from pathlib import Path\nPath({str(mark)!r}).touch()\n"
        "from transformers import BertConfig as Config, BertModel as Model, BertTokenizerFast as Words\n"
    )


@pytest.mark.parametrize("kind", range(3))
def test_weights_that_are_a_hostile_pickle(base: Path, mark: Path, kind: int) -> None:
    (base / "model.safetensors").unlink()
    (base / "pytorch_model.bin").write_bytes(hostile(mark)[kind])
    with pytest.raises(TrainingError, match=r"base_model .* cannot be loaded: ."):
        new_network(parse_config(table(base)))


@pytest.mark.parametrize("name", ["last.pt", "best.pt"])
@pytest.mark.parametrize("kind", range(3))
def test_a_run_with_a_hostile_pickle(tmp_path: Path, mark: Path, name: str, kind: int) -> None:
    (tmp_path / name).write_bytes(hostile(mark)[kind])
    load = RunFolder(tmp_path).load_last if name == "last.pt" else RunFolder(tmp_path).load_best
    with pytest.raises(TrainingError, match=rf"{name}: damaged \("):
        load()


@pytest.mark.parametrize("content", [[], {}, {"position": 7}, {"position": b"{}", "x": [torch.ones(2)]}])
def test_a_run_with_a_checkpoint_of_another_form(tmp_path: Path, content: object) -> None:
    torch.save(content, tmp_path / "last.pt")
    if isinstance(content, dict) and content.get("position") == b"{}":
        position, _ = RunFolder(tmp_path).load_last() or pytest.fail("nothing was loaded")
        assert position.batch == 0
    else:
        with pytest.raises(TrainingError, match=r"last\.pt: damaged \("):
            RunFolder(tmp_path).load_last()


@pytest.mark.parametrize("answer", ["y\n", ""])
@pytest.mark.parametrize("family", ["bert", "of-its-own"])
def test_code_of_a_checkpoint(
    base: Path, mark: Path, monkeypatch: pytest.MonkeyPatch, answer: str, family: str
) -> None:
    """transformers would ask on standard input whether to run it; here nobody is asked."""
    monkeypatch.setattr(sys, "stdin", io.StringIO(answer))
    write_code(base, mark)
    classes = {"AutoConfig": "code.Config", "AutoModel": "code.Model"}
    edit(base / "config.json", model_type=family, auto_map=classes)
    if family == "bert":
        new_network(parse_config(table(base)))  # by the library's own classes
    else:
        with pytest.raises(TrainingError, match=r"base_model .* cannot be loaded: ."):
            new_network(parse_config(table(base)))


def test_code_of_a_tokeniser(base: Path, mark: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO("y\n"))
    write_code(base, mark)
    edit(
        base / "tokenizer_config.json",
        tokenizer_class="Words",
        auto_map={"AutoTokenizer": [None, "code.Words"]},
    )
    try:
        new_network(parse_config(table(base)))
    except TrainingError as error:
        assert "cannot be loaded" in str(error)


def test_code_of_a_run(tmp_path: Path, base: Path, mark: Path) -> None:
    """What a run's folder holds is loaded in the same way."""
    write_code(base, mark)
    edit(base / "config.json", model_type="of-its-own", auto_map={"AutoConfig": "code.Config"})
    base.rename(tmp_path / "encoder")
    with pytest.raises(TrainingError, match=r"its encoder/ or tokenizer\.json is missing or damaged"):
        saved_network(tmp_path, parse_config(table(base)))


@pytest.mark.parametrize("kernel", ["somebody/attention", "somebody/attention:flash"])
def test_machine_code_that_a_configuration_names(base: Path, kernel: str) -> None:
    """transformers would fetch it from the hub."""
    edit(base / "config.json", _attn_implementation=kernel, attn_implementation=kernel)
    try:
        network, _ = new_network(parse_config(table(base)))
    except TrainingError as error:
        assert "cannot be loaded" in str(error)
    else:
        assert network.encoder.config._attn_implementation in ("sdpa", "eager")  # type: ignore[union-attr]


def calls() -> Iterator[tuple[str, str, ast.Call]]:
    for root in ("bearwatch", "alerting", "stream", "models", "training", "benchmarks", "tools"):
        for path in (ROOT / root).rglob("*.py"):
            for node in ast.walk(ast.parse(path.read_text())):
                if isinstance(node, ast.Call):
                    name = (
                        node.func.attr
                        if isinstance(node.func, ast.Attribute)
                        else getattr(node.func, "id", "")
                    )
                    yield path.relative_to(ROOT).as_posix(), name, node


def test_nothing_here_executes_what_a_file_says() -> None:
    for path, name, call in calls():
        where = f"{path}:{call.lineno}"
        given = {keyword.arg: ast.unparse(keyword.value) for keyword in call.keywords if keyword.arg}
        assert given.get("trust_remote_code", "False") == "False", where
        assert given.get("allow_pickle", "False") == "False", where
        called = ast.unparse(call.func)
        assert called not in {"eval", "exec"} and name not in NEVER, where
        assert called not in {"pickle.load", "pickle.loads", "joblib.load", "yaml.load", "torch.hub.load"}, (
            where
        )
        if called == "torch.load":
            assert given["weights_only"] == "True", where
        if name in LOADING and called.startswith("Auto"):
            trusting = [ast.unparse(keyword.value) for keyword in call.keywords if keyword.arg is None]
            assert "trust_remote_code" in given or "_trusting_nothing" in "".join(trusting), where
