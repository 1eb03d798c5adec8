"""A model artifact whose answers a test knows: the words of a text name its topic and its sentiment.

It takes the same way through tokenizer, ONNX and manifest as a trained one, and is much faster.
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
from onnx import TensorProto, helper, numpy_helper, save_model
from tokenizers import Tokenizer
from tokenizers.models import WordLevel
from tokenizers.pre_tokenizers import Whitespace
from tokenizers.processors import TemplateProcessing

from models.files import MODEL, TOKENIZER
from models.manifest import Head, Manifest, hash_files, write_manifest

TOPICS = ("Earnings", "Energy | Oil", "Financials", "Macro")
WORDS = {"Earnings": "earnings", "Energy | Oil": "oil", "Financials": "bank", "Macro": "macro"}
SENTIMENTS = ("negative", "neutral", "positive")
SPECIAL = ("[PAD]", "[UNK]", "[CLS]", "[SEP]")
CERTAINTY = 8.0  # a logit; softmax makes it 0.998 of four


def write_keyword_model(folder: Path, translations: Mapping[str, str] | None = None) -> Path:
    """Write the artifact; returns its folder. `translations` gives the words of a model for another language."""
    folder.mkdir(parents=True, exist_ok=True)
    in_english = (*(WORDS[topic] for topic in TOPICS), *SENTIMENTS)
    words = [(translations or {}).get(word, word) for word in in_english]
    vocabulary = {word: i for i, word in enumerate((*SPECIAL, *words))}
    _tokenizer(vocabulary).save(str(folder / TOKENIZER))
    tables = {
        "topic": _table(vocabulary, words[: len(TOPICS)]),
        "sentiment": _table(vocabulary, words[len(TOPICS) :]),
    }
    _save_graph(tables, folder / MODEL)
    heads = {"topic": Head(TOPICS, "topic_logits"), "sentiment": Head(SENTIMENTS, "sentiment_logits")}
    manifest = Manifest(
        name="keywords",
        created=datetime(2026, 1, 1, tzinfo=UTC),
        heads=heads,
        max_tokens=32,
        base_model="none",
        pooling="sum",
        opset=17,
        seed=0,
        files=hash_files(folder),
    )
    write_manifest(folder, manifest)
    return folder


def _tokenizer(vocabulary: dict[str, int]) -> Tokenizer:
    tokenizer = Tokenizer(WordLevel(vocabulary, unk_token="[UNK]"))
    tokenizer.pre_tokenizer = Whitespace()
    tokenizer.post_processor = TemplateProcessing(
        single="[CLS] $A [SEP]", special_tokens=[(word, vocabulary[word]) for word in ("[CLS]", "[SEP]")]
    )
    return tokenizer


def _table(vocabulary: dict[str, int], words: list[str]) -> np.ndarray:  # (n_words, n_labels)
    table = np.zeros((len(vocabulary), len(words)), np.float32)
    for column, word in enumerate(words):
        table[vocabulary[word], column] = CERTAINTY
    return table


def _save_graph(tables: dict[str, np.ndarray], path: Path) -> None:
    """logits = sum over the tokens of the rows that their words have in the table."""
    shape = ["batch", "tokens"]
    inputs = [
        helper.make_tensor_value_info(n, TensorProto.INT64, shape) for n in ("input_ids", "attention_mask")
    ]
    nodes = [
        helper.make_node("Cast", ["attention_mask"], ["mask"], to=TensorProto.FLOAT),
        helper.make_node("Unsqueeze", ["mask", "last"], ["wide_mask"]),
    ]
    constants = [
        numpy_helper.from_array(np.array([-1]), "last"),
        numpy_helper.from_array(np.array([1]), "tokens_axis"),
    ]
    outputs = []
    for name, table in tables.items():
        constants.append(numpy_helper.from_array(table, f"{name}_table"))
        nodes += [
            helper.make_node("Gather", [f"{name}_table", "input_ids"], [f"{name}_rows"]),
            helper.make_node("Mul", [f"{name}_rows", "wide_mask"], [f"{name}_masked"]),
            helper.make_node("ReduceSum", [f"{name}_masked", "tokens_axis"], [f"{name}_logits"], keepdims=0),
        ]
        outputs.append(
            helper.make_tensor_value_info(f"{name}_logits", TensorProto.FLOAT, ["batch", table.shape[1]])
        )
    graph = helper.make_graph(nodes, "keywords", inputs, outputs, constants)
    save_model(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9), str(path))
