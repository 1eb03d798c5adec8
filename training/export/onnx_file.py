"""Writes a trained network as an ONNX file: matrices are stored in fp16, everything is computed in fp32."""

import logging
from pathlib import Path

import numpy as np
import onnx
import torch
from onnx import TensorProto, helper, numpy_helper

from training.errors import TrainingError
from training.fit.network import Network

OPSET = 20  # the first with Gelu as one operator
INPUTS = ("input_ids", "attention_mask")


def round_to_half(network: Network) -> None:
    """Round the matrices to fp16 values, in place; vectors (0.2 % of the weights) stay in fp32.

    Raises:
        TrainingError: a weight is beyond fp16's range.
    """
    for name, weight in network.named_parameters():
        if weight.ndim > 1:
            weight.data = weight.data.half().float()
        if not weight.isfinite().all():
            raise TrainingError(
                f"the weight {name} is not finite in fp16 (at most 65,504); train with lower learning rates"
            )


def write_onnx(network: Network, outputs: list[str], max_tokens: int, path: Path) -> None:
    """Write a network rounded by `round_to_half`; batch and tokens are dynamic dimensions.

    Args:
        outputs: a name for the logits of each head.
        max_tokens: the largest number of tokens.

    Raises:
        TrainingError: the exporter changed a weight.
    """
    network.eval()
    # Plain matrix products: every engine optimises them, and the graph is a quarter smaller than with fused attention.
    network.encoder.set_attn_implementation("eager")  # type: ignore[operator]
    ids = torch.ones((2, 8), dtype=torch.int64)
    shape = {0: torch.export.Dim("batch"), 1: torch.export.Dim("tokens", max=max_tokens)}
    same = {0: torch.export.Dim.AUTO, 1: torch.export.Dim.AUTO}
    for logger in ("torch.onnx", "onnx_ir", "onnxscript"):
        logging.getLogger(logger).setLevel(logging.ERROR)
    torch.onnx.export(
        network,
        (ids, torch.ones_like(ids)),
        path,
        input_names=INPUTS,
        output_names=outputs,
        opset_version=OPSET,
        dynamic_shapes=(shape, same),
        dynamo=True,
        external_data=False,
        verbose=False,
    )
    model = onnx.load(path)
    store_as_half(model)
    drop_metadata(model)
    onnx.checker.check_model(model)
    onnx.save(model, path)


def drop_metadata(model: onnx.ModelProto) -> None:
    """Remove the exporter's notes, in place: stack traces, with paths of the machine that ran it."""
    for element in (model, model.graph, *model.graph.node, *model.graph.value_info, *model.graph.initializer):
        del element.metadata_props[:]
        element.doc_string = ""


def store_as_half(model: onnx.ModelProto) -> None:
    """Replace each fp32 matrix, in place, by its fp16 form and a Cast, which engines fold when they load the file.

    Raises TrainingError for a matrix that is not exact in fp16.
    """
    casts = []
    for stored in model.graph.initializer:
        if stored.data_type != TensorProto.FLOAT or len(stored.dims) < 2:
            continue
        values = numpy_helper.to_array(stored)
        half = values.astype(np.float16)
        if not np.array_equal(half.astype(np.float32), values):
            raise TrainingError(
                f"the exporter changed the weight {stored.name}: it is no longer exact in fp16"
            )
        name = stored.name
        stored.CopyFrom(numpy_helper.from_array(half, f"{name}.fp16"))
        casts.append(helper.make_node("Cast", [stored.name], [name], to=TensorProto.FLOAT))
    for value in [v for v in model.graph.value_info if v.name in {cast.output[0] for cast in casts}]:
        model.graph.value_info.remove(value)
    for cast in reversed(casts):
        model.graph.node.insert(0, cast)
