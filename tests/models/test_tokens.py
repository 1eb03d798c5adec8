"""The tokeniser of an artifact: one that would fail later, at some text, is refused when it is loaded."""

import json
from pathlib import Path
from typing import Any

import pytest
from keyword_model import write_keyword_model

from models.errors import ModelError
from models.manifest import TOKENIZER
from models.tokens import TextEncoder

TEXTS = ["", "oil bank", "\u0378\ue000", "word " * 10_000]


@pytest.fixture(scope="module")
def tokeniser(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    folder = write_keyword_model(tmp_path_factory.mktemp("model"))
    return dict(json.loads((folder / TOKENIZER).read_bytes()))


def encoder(content: object, max_tokens: int = 16) -> TextEncoder:
    return TextEncoder(json.dumps(content).encode(), max_tokens, Path("tokenizer.json"))


def test_a_text_has_no_more_tokens_than_the_model_takes(tokeniser: dict[str, Any]):
    assert [len(ids) for ids in encoder(tokeniser).encode(TEXTS)] == [2, 4, 3, 16]


def without_special_tokens(content: dict[str, Any]) -> dict[str, Any]:
    """The library panics when it encodes, which is not an Exception."""
    return content | {"post_processor": content["post_processor"] | {"special_tokens": {}}}


def without_unknown(content: dict[str, Any]) -> dict[str, Any]:
    return content | {"model": content["model"] | {"unk_token": "[NONE]"}}


@pytest.mark.parametrize("change", [without_special_tokens, without_unknown])
def test_one_that_cannot_encode_every_text_is_refused(change: Any, tokeniser: dict[str, Any]):
    with pytest.raises(ModelError, match=r"tokenizer\.json: not a tokeniser that can be loaded"):
        encoder(change(tokeniser))
