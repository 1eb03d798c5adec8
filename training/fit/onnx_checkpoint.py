"""Converts a BERT that was exported to ONNX back to a checkpoint of transformers.

Some public registries have only the ONNX form.
"""

import re
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import torch
from onnx import numpy_helper
from tokenizers import Tokenizer
from torch import Tensor
from transformers import BertConfig, BertModel, BertTokenizerFast

from training.errors import TrainingError

HEAD_WIDTH = (
    32  # of an attention head in models that are 384 wide; the graph does not say, `_check_same` checks it
)
MAX_DIFFERENCE = 1e-3  # of a hidden state between the two forms, which sum in different orders


def convert(model: Path, tokenizer: Path, out: Path) -> None:
    """Write configuration, weights and tokeniser into the folder `out`.

    Works for graphs of PyTorch's exporter, whose names tell where a weight belongs: vectors and embeddings have the
    name of the parameter; matrices are transposed and get it from the node that multiplies with them.

    Raises:
        TrainingError: the graph is not that of a BERT with these names, or computes something else.
    """
    weights = _weights(onnx.load(model).graph)
    try:
        bert = BertModel(_config(weights), add_pooling_layer=False)
        bert.load_state_dict(weights)
    except (KeyError, ValueError, RuntimeError) as error:
        reason = " ".join(str(error).split())
        raise TrainingError(
            f"{model} does not contain a BERT as PyTorch exports it: {reason:.200}"
        ) from error
    _check_same(model, bert.eval())
    bert.save_pretrained(out)
    BertTokenizerFast(tokenizer_object=Tokenizer.from_file(str(tokenizer))).save_pretrained(out)


def _check_same(model: Path, bert: BertModel) -> None:
    """Both give the same hidden states, to MAX_DIFFERENCE. Raises TrainingError."""
    ids = np.arange(1, 9).reshape(1, -1)  # (batch, tokens), any words
    known = {"input_ids": ids, "attention_mask": np.ones_like(ids), "token_type_ids": np.zeros_like(ids)}
    session = onnxruntime.InferenceSession(model, providers=["CPUExecutionProvider"])
    expected = session.run(None, {given.name: known[given.name] for given in session.get_inputs()})[0]
    with torch.no_grad():
        converted = bert(torch.from_numpy(ids)).last_hidden_state.numpy()
    if converted.shape != expected.shape or not np.abs(converted - expected).max() <= MAX_DIFFERENCE:
        raise TrainingError(f"{model}: a BERT of transformers with its weights computes something else")


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
