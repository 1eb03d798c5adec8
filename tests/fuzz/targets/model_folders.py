"""What a model folder holds besides the graph: the manifest and the tokeniser."""

import functools
import json
import random

import msgspec
from generation import raw, trees
from keyword_model import write_keyword_model

from models import manifest as manifest_module
from models.errors import ModelError
from models.manifest import MANIFEST, MODEL, TOKENIZER, hash_files, load_manifest, model_hash
from models.tokens import TextEncoder
from targets.target import Target, pack, scratch, unpack

TEXTS = ("oil bank negative", "", "\u0000\u200b", "x" * 5000, "👩‍👩‍👧‍👦 [SEP] [CLS] [UNK]", "e\u0301" * 50)


@functools.cache
def samples() -> tuple[dict[str, object], dict[str, object]]:
    """The manifest and the tokeniser of a valid folder, whose graph is then one byte."""
    folder = write_keyword_model(scratch() / "model")
    (folder / MODEL).write_bytes(b"x")
    manifest = json.loads((folder / MANIFEST).read_bytes())
    manifest["files"] = hash_files(folder)
    manifest["parity"] = {"onnxruntime-cpu": {"texts": 3, "agreement": 1.0, "max_difference": 0.0}}
    manifest["datasets"] = [{"name": "a", "sha256": "00", "rows": 3, "use": "train"}]
    return manifest, json.loads((folder / TOKENIZER).read_bytes())


def manifest(rng: random.Random) -> bytes:
    return raw.damaged(rng, trees.as_json(rng, trees.changed(rng, samples()[0], 2)), 0.15)


def check_manifest(given: bytes) -> bool:
    samples()
    folder = scratch() / "model"
    (folder / MANIFEST).write_bytes(given)
    try:
        found = load_manifest(folder)
    except ModelError as error:
        assert str(folder) in str(error)
        return False
    assert len(model_hash(found)) == 16
    assert msgspec.json.decode(msgspec.json.encode(found), type=type(found)) == found
    return True


def tokeniser(rng: random.Random) -> bytes:
    content = raw.damaged(rng, trees.as_json(rng, trees.changed(rng, samples()[1], 2)), 0.15)
    return pack(rng.choice((3, 8, 32, 96, 2**31)), content)


def check_tokeniser(given: bytes) -> bool:
    limit, content = unpack(given)
    try:
        encoder = TextEncoder(content, limit, "tokenizer.json")
    except ModelError:
        return False
    found = encoder.encode(TEXTS)
    assert len(found) == len(TEXTS) and all(len(ids) <= limit for ids in found)
    return True


TARGETS = (
    Target("manifest", (manifest_module,), manifest, check_manifest, 25_000),
    Target("tokeniser", (TextEncoder,), tokeniser, check_tokeniser, 10_000),
)
