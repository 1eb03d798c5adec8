"""A folder that holds something else than a whole model: only what was hashed is loaded, nothing else is read."""

import json
import os
from collections.abc import Callable
from pathlib import Path

import msgspec
import numpy as np
import onnx
import pytest
from onnx import TensorProto, numpy_helper
from tiny_bert import WORDS, tokenizer, write_tiny_bert

import models.classifier
from models.classifier import Classifier
from models.engines import CPU, FP32
from models.errors import ModelError
from models.files import MAX_BYTES, MODEL, TOKENIZER, read_file
from models.manifest import hash_files, load_manifest, write_manifest


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return write_tiny_bert(tmp_path / "model")


def hash_again(folder: Path) -> None:
    """As whoever made the folder would write it: the manifest fits its files."""
    manifest = msgspec.json.decode((folder / "manifest.json").read_bytes())
    (folder / "manifest.json").write_bytes(msgspec.json.encode(manifest | {"files": hash_files(folder)}))


def change(folder: Path, edit: Callable[[onnx.ModelProto], object]) -> None:
    model = onnx.load(folder / MODEL)
    edit(model)
    onnx.save(model, folder / MODEL)
    hash_again(folder)


def change_tokenizer(folder: Path, **fields: object) -> None:
    content = json.loads((folder / TOKENIZER).read_bytes())
    content["model"].update(fields)
    (folder / TOKENIZER).write_text(json.dumps(content))
    hash_again(folder)


@pytest.mark.parametrize("engine", [CPU, FP32])
@pytest.mark.parametrize("place", ["weights.bin", "weights/w.bin", "../weights.bin", "absolute", "a link"])
def test_weights_outside_the_graph_are_refused(folder: Path, engine: str, place: str) -> None:
    """Zeroed weights in another file would go unnoticed: no sha256 covers them."""
    model = onnx.load(folder / MODEL)
    location = {"absolute": str(folder.parent / "w.bin"), "a link": "link.bin"}.get(place, place)
    (folder / location).parent.mkdir(exist_ok=True)
    if place == "a link":
        (folder / "link.bin").symlink_to(folder.parent / "w.bin")
    with (folder / location).open("wb") as file:
        for each in model.graph.initializer:
            content = numpy_helper.to_array(each).tobytes()
            del each.external_data[:]
            for key, value in (("location", location), ("offset", file.tell()), ("length", len(content))):
                each.external_data.add(key=key, value=str(value))
            each.ClearField("raw_data")
            each.data_location = TensorProto.EXTERNAL
            file.write(content)
    (folder / MODEL).write_bytes(model.SerializeToString())
    hash_again(folder)
    with pytest.raises(
        ModelError, match=r"model\.onnx: stores weights in another file .* write it as one file"
    ):
        Classifier.load(folder, engine)


@pytest.mark.parametrize("name", [MODEL, TOKENIZER])
@pytest.mark.parametrize("engine", [CPU, FP32])
def test_a_file_swapped_after_it_was_hashed_is_not_loaded(
    folder: Path, engine: str, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = " ".join(WORDS[:9])
    (expected,) = Classifier.load(folder, engine).probabilities([text])["topic"]
    verified = models.classifier.read_verified

    def swapped(*arguments: object) -> bytes:
        content = verified(*arguments)  # type: ignore[arg-type]
        (folder / name).write_bytes(b"another")
        return content

    later = iter([verified, swapped] if name == MODEL else [swapped, verified])
    monkeypatch.setattr(models.classifier, "read_verified", lambda *arguments: next(later)(*arguments))
    (actual,) = Classifier.load(folder, engine).probabilities([text])["topic"]
    np.testing.assert_array_equal(actual, expected)


def test_other_files_of_the_folder_are_not_read(folder: Path) -> None:
    """Caches of engines, libraries of operators, other forms of the weights: nothing loads them."""
    before = Classifier.load(folder, CPU)
    for name in ("model.ort", "model.onnx.data", "model.bin", "model.xml", "libcustom_op.so", "vocab.txt"):
        (folder / name).write_bytes(b"\x7fELF")
        (folder / name).chmod(0)
    after = Classifier.load(folder, CPU)
    assert after.model_hash == before.model_hash
    assert after.classify(["w1 w2"]) == before.classify(["w1 w2"])


def test_links_to_whole_files_are_followed(folder: Path) -> None:
    """As in the cache of a model hub or a mounted volume; what they lead to is hashed."""
    for name in (MODEL, TOKENIZER):
        (folder / name).rename(folder.parent / name)
        (folder / name).symlink_to(Path("..", name))
    Classifier.load(folder, CPU)
    (folder.parent / MODEL).write_bytes(b"another")
    with pytest.raises(ModelError, match=r"model\.onnx: damaged or of another model"):
        Classifier.load(folder, CPU)


@pytest.mark.parametrize("name", ["manifest.json", MODEL, TOKENIZER])
@pytest.mark.parametrize("kind", ["pipe", "device", "folder", "loop", "too large"])
def test_what_never_ends_or_is_no_file_is_an_error(folder: Path, name: str, kind: str) -> None:
    path = folder / name
    path.unlink()
    match kind:
        case "pipe":
            os.mkfifo(path)
        case "device":
            path.symlink_to("/dev/zero")
        case "folder":
            path.mkdir()
        case "loop":
            path.symlink_to(path)
        case "too large":
            with path.open("wb") as file:
                file.truncate(MAX_BYTES[name] + 1)  # takes no room on the disk
    with pytest.raises(ModelError, match=rf"{name}: (not a regular|cannot be|there is no model|larger than)"):
        read_file(folder, name)


@pytest.mark.parametrize("engine", [CPU, FP32])
def test_an_unknown_input_is_an_error(folder: Path, engine: str) -> None:
    """It would be given zeros, and the answers would be wrong without a word."""

    def rename(model: onnx.ModelProto) -> None:
        model.graph.input[2].name = model.graph.node[2].input[1] = "position_ids"

    change(folder, rename)
    with pytest.raises(ModelError, match="the graph has an unknown input 'position_ids'"):
        Classifier.load(folder, engine)


def test_weights_that_are_no_numbers_are_an_error(folder: Path) -> None:
    def spoil(model: onnx.ModelProto) -> None:
        (shift,) = (each for each in model.graph.initializer if each.name == "topic_shift")
        shift.CopyFrom(numpy_helper.from_array(np.full(20, np.nan, np.float32), shift.name))

    change(folder, spoil)
    with pytest.raises(ModelError, match="topic_logits is not a finite number"):
        Classifier.load(folder, CPU)


def test_a_vocabulary_larger_than_the_graph_s_is_an_error(folder: Path) -> None:
    """A worker would stop at the first text with such a word, again and again."""
    change_tokenizer(folder, vocab={**tokenizer().get_vocab(), "w200": 204})
    with pytest.raises(ModelError, match=r"does not take 48 tokens .* up to the id 204 \(of the tokeniser\)"):
        Classifier.load(folder, CPU)


def test_an_id_that_the_graph_does_not_know_is_found_wherever_it_stands(folder: Path) -> None:
    """Here around each text: a worker stopped at the first document, again and again."""
    content = json.loads((folder / TOKENIZER).read_bytes())
    begins = {"SpecialToken": {"id": "[CLS]", "type_id": 0}}
    content["post_processor"] = {
        "type": "TemplateProcessing",
        "single": [begins, {"Sequence": {"id": "A", "type_id": 0}}],
        "pair": [begins, {"Sequence": {"id": "A", "type_id": 0}}, {"Sequence": {"id": "B", "type_id": 1}}],
        "special_tokens": {"[CLS]": {"id": "[CLS]", "ids": [4_000_000_000], "tokens": ["[CLS]"]}},
    }
    (folder / TOKENIZER).write_text(json.dumps(content))
    hash_again(folder)
    with pytest.raises(ModelError, match=r"does not take 48 tokens .* up to the id 4000000000"):
        Classifier.load(folder, CPU)


@pytest.mark.parametrize("strategy", ["BatchLongest", {"Fixed": 10**12}], ids=str)
def test_padding_of_the_tokeniser_does_not_count(folder: Path, strategy: object) -> None:
    """Ours is that of a batch. The first text was padded as the file says: the process ended for want of memory."""
    content = json.loads((folder / TOKENIZER).read_bytes())
    multiple = 10**12 if strategy == "BatchLongest" else None
    padding = {"direction": "Right", "pad_to_multiple_of": multiple, "pad_id": 0, "pad_type_id": 0}
    content["padding"] = padding | {"strategy": strategy, "pad_token": "[PAD]"}
    (folder / TOKENIZER).write_text(json.dumps(content))
    hash_again(folder)
    Classifier.load(folder, CPU)


def test_a_tokeniser_without_a_token_for_unknown_words_is_an_error(folder: Path) -> None:
    change_tokenizer(folder, unk_token="[NONE]")
    with pytest.raises(ModelError, match=r"tokenizer\.json: not a tokeniser that can be loaded \(.*Missing"):
        Classifier.load(folder, CPU)


def test_a_manifest_that_is_not_written_yet_is_held_against_the_files_too(folder: Path) -> None:
    manifest = load_manifest(folder)
    other = write_tiny_bert(folder.parent / "other", seed=1)
    with pytest.raises(ModelError, match="damaged or of another model"):
        Classifier.open(other, manifest, CPU)
    write_manifest(other, manifest)
    with pytest.raises(ModelError, match="damaged or of another model"):
        Classifier.load(other, CPU)
