"""The layout of a model artifact: a folder with model.onnx, tokenizer.json and manifest.json, which describes them.

The graph takes `input_ids` and `attention_mask` (int64, (batch, tokens)), and `token_type_ids` if it has such an
input. For every head it returns logits, (batch, n_labels), under the name in `Head.output`.
"""

import hashlib
import json
from collections import Counter
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any

import msgspec

from bearwatch.core.files import atomic_write
from models.errors import ModelError
from models.files import MANIFEST, MODEL, REMEDY, TOKENIZER, read_file, read_verified

SCHEMA_VERSION = 1

# Labels and the names of heads are values of metrics, fields of answers and parts of keys.
Label = Annotated[str, msgspec.Meta(min_length=1, max_length=200)]
Sha256 = Annotated[str, msgspec.Meta(pattern=r"^[0-9A-Fa-f]{64}\Z")]


class Layout(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Unknown fields are errors, because a field that this version ignores could change the probabilities."""


class Head(Layout, frozen=True):
    """One classification task of the model, such as topic or sentiment.

    Probabilities are the softmax of the logits divided by `temperature`. Predictions with a probability of at least
    `abstain_below` have the accuracy that the training configuration asked for, on held-out texts.
    """

    labels: tuple[Label, ...]  # in the order of the logits
    output: str  # of the graph: "<head>_logits"
    temperature: Annotated[float, msgspec.Meta(ge=0.01, le=100)] = 1.0
    abstain_below: Annotated[float, msgspec.Meta(ge=0, le=1)] = 0.0


class Parity(Layout, frozen=True):
    """How an engine's predictions compare with those of the trained network on `texts` texts."""

    texts: int
    agreement: float  # ratio of equal labels, of the head that agrees least
    max_difference: float  # largest difference of a probability


class Dataset(Layout, frozen=True):
    """A file that the model was trained or measured on."""

    name: str
    sha256: str
    rows: int  # used, after exclusions
    use: str  # "train", "train, unlabelled" or "validation"
    licence: str = ""


class Manifest(Layout, frozen=True, kw_only=True):
    """What an artifact says about itself: how to run it, how it was trained, how good it is."""

    schema_version: int = SCHEMA_VERSION
    name: str
    created: Annotated[datetime, msgspec.Meta(tz=True)]
    heads: dict[Label, Head]
    max_tokens: Annotated[int, msgspec.Meta(ge=3, le=8192)]  # [CLS], one of the text, [SEP]
    base_model: str
    pooling: str
    opset: int
    seed: int
    runs: Annotated[int, msgspec.Meta(ge=1)] = 1  # training runs whose weights were averaged
    intended_use: str = ""
    not_for: str = ""
    datasets: tuple[Dataset, ...] = ()
    teachers: tuple[str, ...] = ()  # hashes of the models whose soft targets it was trained on
    label_codes: dict[str, dict[str, str]] = {}  # head -> raw label in files, lower case -> label
    metrics: dict[str, dict[str, float]] = {}  # data set -> figure -> value
    # Engine -> compared with the trained network; "rounding" -> the network with rounded weights compared with itself.
    parity: dict[str, Parity] = {}
    versions: dict[str, str] = {}  # package -> version
    files: dict[str, Sha256]  # MODEL and TOKENIZER -> sha256 in hex digits


def hash_files(folder: Path, names: tuple[str, ...] = (MODEL, TOKENIZER)) -> dict[str, str]:
    """File name -> sha256 of the artifact's files, for `Manifest.files`."""
    return {name: sha256_of(folder / name) for name in names}


def sha256_of(path: Path) -> str:
    """sha256 of a file in hex digits."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def write_manifest(folder: Path, manifest: Manifest) -> None:
    """Write the manifest atomically. Call it last: a folder without a complete manifest does not load."""
    atomic_write(folder / MANIFEST, msgspec.json.format(msgspec.json.encode(manifest), indent=2) + b"\n")


def load_manifest(folder: Path) -> Manifest:
    """Read the manifest of an artifact and verify the sha256 of its files.

    Raises:
        ModelError: the manifest is missing or invalid, or a file is missing or differs.
    """
    manifest = read_manifest(folder)
    for name in manifest.files:
        read_verified(folder, name, manifest.files)
    return manifest


def read_manifest(folder: Path) -> Manifest:
    """Read the manifest of an artifact, for a caller that reads the files with `read_verified`. Raises ModelError."""
    path = folder / MANIFEST
    content = read_file(folder, MANIFEST)
    try:
        manifest = msgspec.json.decode(content, type=Manifest)
        json.loads(content, object_pairs_hook=_without_repetition)
    except (ValueError, RecursionError) as error:
        raise ModelError(f"{path}: not a manifest this version can read ({error}); {REMEDY}") from error
    if manifest.schema_version != SCHEMA_VERSION:
        raise ModelError(
            f"{path}: schema_version {manifest.schema_version}, this version reads {SCHEMA_VERSION}; {REMEDY}"
        )
    _check_heads(path, manifest)
    if manifest.files.keys() != {MODEL, TOKENIZER}:
        other = min(manifest.files.keys() ^ {MODEL, TOKENIZER})
        fault = "is not a file of an artifact" if other in manifest.files else "is not listed"
        raise ModelError(f"{path}: files: {other!r} {fault} ({MODEL} and {TOKENIZER} are); {REMEDY}")
    lower = {name: digest.lower() for name, digest in manifest.files.items()}
    return msgspec.structs.replace(manifest, files=lower)


def model_hash(manifest: Manifest) -> str:
    """16 hex digits over what decides a prediction: the files, the heads with their labels, the token limit."""
    decisive = (manifest.files, manifest.heads, manifest.max_tokens)
    return hashlib.sha256(msgspec.json.encode(decisive, order="deterministic")).hexdigest()[:16]


def _check_heads(path: Path, manifest: Manifest) -> None:
    if not manifest.heads:
        raise ModelError(f"{path}: heads: the model has none; {REMEDY}")
    for name, head in manifest.heads.items():
        if len(head.labels) < 2 or len(set(head.labels)) < len(head.labels):
            raise ModelError(
                f"{path}: heads.{name}.labels: two or more different labels are needed; {REMEDY}"
            )
        if hidden := [each for each in (name, *head.labels) if not each.isprintable()]:
            raise ModelError(f"{path}: heads: {hidden[0]!r} has a character that is not printable; {REMEDY}")


def _without_repetition(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Of a key that stands twice, readers of JSON take one or the other value."""
    (key, count), *_ = Counter(key for key, _ in pairs).most_common(1) or [("", 0)]
    if count > 1:
        raise ValueError(f"the key {key!r} stands twice in one object")
    return dict(pairs)
