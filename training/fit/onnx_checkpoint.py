"""A BERT that was exported to ONNX, as a checkpoint of transformers: some registries carry only the former."""

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
    32  # of attention, in models that are 384 wide; what the graph does not say is checked by computing
)
MAX_DIFFERENCE = 1e-3  # of a hidden state between the two, whose last bits differ


def convert(model: Path, tokenizer: Path, out: Path) -> None:
    """Write config, weights and tokeniser into `out`.

    For graphs of PyTorch's exporter, whose names tell where a weight belongs: vectors and embeddings carry them
    themselves, matrices by the node that multiplies with them (and lie transposed).

    Raises:
        TrainingError: the graph is not that of a BERT, named so, or computes something else.
    """
    weights = _weights(onnx.load(model).graph)
    try:
        bert = BertModel(_config(weights), add_pooling_layer=False)
        bert.load_state_dict(weights)
    except (KeyError, ValueError, RuntimeError) as error:
        reason = " ".join(str(error).split())
        raise TrainingError(f"{model} holds no BERT as PyTorch exports it: {reason:.200}") from error
    _check_same(model, bert.eval())
    bert.save_pretrained(out)
    BertTokenizerFast(tokenizer_object=Tokenizer.from_file(str(tokenizer))).save_pretrained(out)


def _check_same(model: Path, bert: BertModel) -> None:
    ids = np.arange(1, 9).reshape(1, -1)  # any words
    known = {"input_ids": ids, "attention_mask": np.ones_like(ids), "token_type_ids": np.zeros_like(ids)}
    session = onnxruntime.InferenceSession(model, providers=["CPUExecutionProvider"])
    wanted = session.run(None, {given.name: known[given.name] for given in session.get_inputs()})[0]
    with torch.no_grad():
        found = bert(torch.from_numpy(ids)).last_hidden_state.numpy()
    if found.shape != wanted.shape or not np.abs(found - wanted).max() <= MAX_DIFFERENCE:
        raise TrainingError(f"{model}: its weights in a BERT of transformers compute something else")


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
