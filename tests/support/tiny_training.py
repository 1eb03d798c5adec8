"""A checkpoint of a few thousand weights and two small labelled files of our own: training in a second."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from tokenizers import Tokenizer
from tokenizers.models import WordLevel
from tokenizers.normalizers import Lowercase
from tokenizers.pre_tokenizers import Whitespace
from tokenizers.processors import TemplateProcessing
from transformers import BertConfig, BertModel, PreTrainedTokenizerFast, set_seed

torch.set_num_threads(1)  # for so little to compute, waiting for each other costs more than it gains

SPECIAL = PADDING, UNKNOWN, _, _ = ("[PAD]", "[UNK]", "[CLS]", "[SEP]")
COMPANIES = (
    "Norwick",
    "Tallis",
    "Brambley",
    "Orsted Vale",
    "Kestrel",
    "Pallane",
    "Hexby",
    "Dunmore",
    "Quillon",
    "Veyra",
)
SENTIMENT = {
    "negative": ("plunges after a profit warning", "faces a fraud probe", "cuts its outlook again"),
    "neutral": ("holds its annual meeting", "names a new auditor", "moves its head office"),
    "positive": ("soars on record profit", "wins a large contract", "raises its outlook"),
}
TOPIC = {
    "Oil": ("pumps more crude", "finds gas offshore"),
    "Banks": ("sells its loan book", "opens new branches"),
}


def write_checkpoint(folder: Path, texts: Sequence[str] | None = None) -> Path:
    """A BERT of two layers, 32 wide, that knows the words of the texts; unless given, of the sets below."""
    if texts is None:
        texts = [text for rows in (rows_of(SENTIMENT), rows_of(TOPIC)) for text, _ in rows]
    words = sorted({word for text in texts for word in text.lower().split()})
    vocabulary = {word: i for i, word in enumerate((*SPECIAL, *words))}
    tokenizer = Tokenizer(WordLevel(vocabulary, unk_token=UNKNOWN))
    tokenizer.normalizer = Lowercase()
    tokenizer.pre_tokenizer = Whitespace()
    tokenizer.post_processor = TemplateProcessing(
        single="[CLS] $A [SEP]", special_tokens=[(word, vocabulary[word]) for word in ("[CLS]", "[SEP]")]
    )
    PreTrainedTokenizerFast(tokenizer_object=tokenizer, pad_token=PADDING, unk_token=UNKNOWN).save_pretrained(
        folder
    )
    set_seed(5)
    config = BertConfig(
        vocab_size=len(vocabulary),
        hidden_size=32,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=64,
        max_position_embeddings=32,
    )
    BertModel(config, add_pooling_layer=False).save_pretrained(folder)
    return folder


def rows_of(phrases: dict[str, tuple[str, ...]]) -> list[tuple[str, str]]:
    return [(f"{c} {end}", label) for c in COMPANIES for label, ends in phrases.items() for end in ends]


def write_data(folder: Path) -> Path:
    """`sentiment.csv` with numbered labels (0 negative, 1 positive, 2 neutral) and `topic.jsonl` with names."""
    folder.mkdir(parents=True, exist_ok=True)
    numbers = {"negative": 0, "positive": 1, "neutral": 2}
    lines = [f'"{text}",{numbers[label]}' for text, label in rows_of(SENTIMENT)]
    (folder / "sentiment.csv").write_text("\n".join(["headline,label", *lines]) + "\n")
    objects = [json.dumps({"text": text, "label": label}) for text, label in rows_of(TOPIC)]
    (folder / "topic.jsonl").write_text("\n".join(objects) + "\n")
    return folder


def table(checkpoint: Path, **hyperparameters: Any) -> dict[str, Any]:
    """The decoded TOML of a configuration that learns both sets in two epochs."""
    return {
        "base_model": str(checkpoint),
        "max_tokens": 16,
        "seed": 3,
        "heads": {
            "sentiment": {
                "labels": ["negative", "neutral", "positive"],
                "aliases": {"0": "negative", "1": "positive", "2": "neutral"},
            },
            "topic": {"labels": ["Oil", "Banks"]},
        },
        "hyperparameters": {
            "epochs": 2,
            "batch_tokens": 64,
            "encoder_learning_rate": 3e-3,
            "head_learning_rate": 1e-2,
            "dev_ratio": 0.2,
            "checkpoint_steps": 4,
            **hyperparameters,
        },
        "datasets": [
            {"name": "sentiment", "path": "sentiment.csv", "head": "sentiment", "text": "headline"},
            {"name": "topic", "path": "topic.jsonl", "head": "topic"},
        ],
    }
