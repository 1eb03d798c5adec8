"""A BERT that was exported to ONNX, as a checkpoint of transformers: some registries carry only the former."""

import re
from collections.abc import Mapping
from pathlib import Path

import onnx
import torch
from onnx import numpy_helper
from tokenizers import Tokenizer
from torch import Tensor
from transformers import BertConfig, BertModel, BertTokenizerFast

from training.errors import TrainingError

HEAD_WIDTH = 32  # of attention, in the models that are 384 wide; the graph does not say it plainly


def convert(model: Path, tokenizer: Path, out: Path) -> None:
    """Write config, weights and tokeniser into `out`.

    For graphs of PyTorch's exporter, whose names tell where a weight belongs: vectors and embeddings carry them
    themselves, matrices by the node that multiplies with them (and lie transposed).

    Raises:
        TrainingError: the graph is not that of a BERT, named so.
    """
    weights = _weights(onnx.load(model).graph)
    try:
        bert = BertModel(_config(weights), add_pooling_layer=False)
        bert.load_state_dict(weights)
    except (KeyError, ValueError, RuntimeError) as error:
        reason = " ".join(str(error).split())
        raise TrainingError(f"{model} holds no BERT as PyTorch exports it: {reason:.200}") from error
    bert.save_pretrained(out)
    BertTokenizerFast(tokenizer_object=Tokenizer.from_file(str(tokenizer))).save_pretrained(out)


def _weights(graph: onnx.GraphProto) -> dict[str, Tensor]:
    stored = {each.name: torch.tensor(numpy_helper.to_array(each)) for each in graph.initializer}
    named = {
        name.removeprefix("bert."): weight
        for name, weight in stored.items()
        if re.match(r"(bert\.)?(embeddings|encoder)\..*(weight|bias)$", name)
    }
    multiplied = {
        node.name.removeprefix("/bert").strip("/").removesuffix("/MatMul").replace("/", ".") + ".weight": (
            stored[node.input[1]].T.contiguous()
        )
        for node in graph.node
        if node.op_type == "MatMul" and node.input[1] in stored
    }
    return named | multiplied


def _config(weights: Mapping[str, Tensor]) -> BertConfig:
    words, width = weights["embeddings.word_embeddings.weight"].shape
    layers = {match[1] for name in weights if (match := re.match(r"encoder\.layer\.(\d+)\.", name))}
    return BertConfig(
        vocab_size=words,
        hidden_size=width,
        num_hidden_layers=len(layers),
        num_attention_heads=width // HEAD_WIDTH,
        intermediate_size=len(weights["encoder.layer.0.intermediate.dense.bias"]),
        max_position_embeddings=len(weights["embeddings.position_embeddings.weight"]),
        type_vocab_size=len(weights["embeddings.token_type_embeddings.weight"]),
    )
