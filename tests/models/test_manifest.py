"""The manifest: written and read, verified, and the hash that names a model."""

import re
from datetime import UTC, datetime
from pathlib import Path

import msgspec
import pytest

from models.errors import ModelError
from models.manifest import Dataset, Head, Manifest, hash_files, load_manifest, model_hash, write_manifest

ZEROS = "0" * 64
LISTED = {"model.onnx": ZEROS, "tokenizer.json": ZEROS}


@pytest.fixture
def manifest(tmp_path: Path) -> Manifest:
    (tmp_path / "model.onnx").write_bytes(b"graph")
    (tmp_path / "tokenizer.json").write_bytes(b"{}")
    manifest = Manifest(
        name="tiny",
        created=datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC),
        heads={"sentiment": Head(labels=("negative", "neutral", "positive"), output="sentiment_logits")},
        max_tokens=128,
        base_model="none",
        pooling="mean",
        opset=18,
        seed=7,
        datasets=(Dataset(name="set", sha256="0" * 64, rows=3, use="train"),),
        metrics={"set": {"accuracy": 0.5}},
        versions={"onnx": "1.0"},
        files=hash_files(tmp_path),
    )
    write_manifest(tmp_path, manifest)
    return manifest


def edit(folder: Path, **changes: object) -> None:
    path = folder / "manifest.json"
    path.write_bytes(msgspec.json.encode(msgspec.json.decode(path.read_bytes()) | changes))


def test_a_written_manifest_is_read_unchanged(tmp_path: Path, manifest: Manifest) -> None:
    assert load_manifest(tmp_path) == manifest
    assert '"created": "2026-01-02T03:04:05Z"' in (tmp_path / "manifest.json").read_text()


@pytest.mark.parametrize("name", ["model.onnx", "tokenizer.json"])
def test_a_damaged_file_is_named(tmp_path: Path, manifest: Manifest, name: str) -> None:
    with (tmp_path / name).open("ab") as file:
        file.write(b"!")
    with pytest.raises(ModelError, match=rf"{name}: damaged .* fetch the artifact again"):
        load_manifest(tmp_path)


def test_a_missing_file_is_named(tmp_path: Path, manifest: Manifest) -> None:
    (tmp_path / "tokenizer.json").unlink()
    with pytest.raises(ModelError, match=r"tokenizer\.json: cannot be read \(No such file"):
        load_manifest(tmp_path)


def test_a_folder_without_a_model_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="there is no model here"):
        load_manifest(tmp_path / "nowhere")


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"max_tokens": "many"}, r"Expected `int`, got `str` - at `\$\.max_tokens`"),
        ({"max_tokens": 0}, r"at `\$\.max_tokens`"),
        ({"temperatures": {}}, "unknown field `temperatures`"),
        ({"created": "2026-01-02T03:04:05"}, r"at `\$\.created`"),
        ({"schema_version": 2}, "schema_version 2, this version reads 1"),
        ({"heads": {}}, "heads: the model has none"),
        ({"heads": {"topic": {"labels": ["a", "a"], "output": "x"}}}, r"heads\.topic\.labels"),
        ({"files": {"model.onnx": ZEROS}}, r"'tokenizer\.json' is not listed"),
        ({"files": LISTED | {"../x": ZEROS}}, r"'\.\./x' is not a file of an artifact"),
        ({"files": LISTED | {"..": ZEROS}}, r"'\.\.' is not a file of an artifact"),
        ({"files": LISTED | {"/etc/passwd": ZEROS}}, "'/etc/passwd' is not a file of an artifact"),
        ({"files": LISTED | {"weights\0.bin": ZEROS}}, r"'weights\\x00\.bin' is not a file of an artifact"),
        ({"files": LISTED | {"model.onnx": "sha256:" + ZEROS[:57]}}, r"at `\$\.files\[\.\.\.\]`"),
        ({"files": LISTED | {"model.onnx": ZEROS + "\n"}}, r"at `\$\.files\[\.\.\.\]`"),
        ({"max_tokens": 10**30}, r"at `\$\.max_tokens`"),
        ({"max_tokens": 10_000}, r"at `\$\.max_tokens`"),
        ({"heads": {"topic": {"labels": ["a", "b"], "output": "x", "temperature": 1e-320}}}, "temperature"),
        ({"heads": {"topic": {"labels": ["a", "b\u202e"], "output": "x"}}}, r"'b\\u202e' has a character"),
        ({"heads": {"topic": {"labels": ["a", "b\x1b[2J"], "output": "x"}}}, r"has a character that is not"),
        ({"heads": {"to\npic": {"labels": ["a", "b"], "output": "x"}}}, r"has a character that is not"),
        ({"heads": {"topic": {"labels": ["a", ""], "output": "x"}}}, r"heads\[\.\.\.\]\.labels"),
    ],
)
def test_a_wrong_manifest_is_an_error_that_says_where(
    tmp_path: Path, manifest: Manifest, changes: dict[str, object], message: str
) -> None:
    edit(tmp_path, **changes)
    with pytest.raises(ModelError, match=message):
        load_manifest(tmp_path)


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"\xff\xfe", b'"text"'])
def test_a_file_that_is_not_a_manifest_is_an_error(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "manifest.json").write_bytes(content)
    with pytest.raises(ModelError, match="not a manifest"):
        load_manifest(tmp_path)


@pytest.mark.parametrize("content", [b"[" * 100_000, b'{"files": ' * 100_000, b'{"temperature": 1e999}'])
def test_a_manifest_that_breaks_readers_is_an_error(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "manifest.json").write_bytes(content)
    with pytest.raises(ModelError, match="not a manifest"):
        load_manifest(tmp_path)


@pytest.mark.parametrize("key", ["files", "model.onnx", "labels", "max_tokens"])
def test_a_key_that_stands_twice_is_an_error(tmp_path: Path, manifest: Manifest, key: str) -> None:
    """One reader takes the first, another the last: what was checked would not be what is used."""
    path = tmp_path / "manifest.json"
    (entry,) = re.findall(rf'"{key}": (?:\{{[^}}]*\}}|\[[^]]*\]|[^,\n]+)', path.read_text())
    path.write_text(path.read_text().replace(entry, f"{entry}, {entry}"))
    with pytest.raises(ModelError, match=f"the key '{key}' stands twice"):
        load_manifest(tmp_path)


def test_a_hash_in_capital_letters_is_the_same_hash(tmp_path: Path, manifest: Manifest) -> None:
    edit(tmp_path, files={name: digest.upper() for name, digest in manifest.files.items()})
    assert load_manifest(tmp_path) == manifest


def test_the_hash_depends_on_what_decides_a_prediction(manifest: Manifest) -> None:
    same = msgspec.structs.replace(
        manifest, name="other", metrics={}, files=dict(reversed(manifest.files.items()))
    )
    relabelled = msgspec.structs.replace(
        manifest,
        heads={"sentiment": Head(labels=("neutral", "negative", "positive"), output="sentiment_logits")},
    )
    shorter = msgspec.structs.replace(manifest, max_tokens=64)
    assert model_hash(same) == model_hash(manifest)
    assert len({model_hash(manifest), model_hash(relabelled), model_hash(shorter)}) == 3
    assert len(model_hash(manifest)) == 16
