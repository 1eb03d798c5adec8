"""Engines that run the ONNX graph: onnxruntime on CPU or GPU, OpenVINO; chosen by the machine or by name."""

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from queue import SimpleQueue
from typing import Any

import numpy as np
import numpy.typing as npt
import onnxruntime

from models.errors import CudaMissing, ModelError
from models.machine import Machine, this_machine

log = logging.getLogger(__name__)

Ids = npt.NDArray[np.int64]  # (batch, tokens)
Logits = npt.NDArray[np.float32]  # (batch, n_labels)
Run = Callable[[Ids, Ids], list[Logits]]

AUTO = "auto"
CPU, CUDA, BF16, FP32 = "onnxruntime-cpu", "onnxruntime-cuda", "openvino-bf16", "openvino-fp32"
ENGINES = (CPU, CUDA, BF16, FP32)


@dataclass(frozen=True)
class Engine:
    """`run` takes `input_ids` and `attention_mask` and gives each output's logits; any thread may call it.

    A row's logits depend on its neighbours through the shape of the batch alone. On a CPU what counts is only
    whether a row stands alone (another kernel, other last bits), so it never does; on a GPU any shape may
    count, so `fixed_rows` asks for batches that are always full.
    """

    name: str
    streams: int  # calls that pay off at a time
    budget_tokens: int
    fixed_rows: bool
    run: Run


def open_engine(model: Path, outputs: Sequence[str], name: str = AUTO, threads: int | None = None) -> Engine:
    """The engine of that name, or the best for this machine that works. Raises `ModelError`."""
    machine = this_machine()
    choices = preferences(machine) if name == AUTO else [(name, "asked for")]
    for choice, reason in choices:
        try:
            engine = _open(choice, model, outputs, machine, threads or machine.cpus)
        except Exception as error:  # the engines' own errors have no common base
            failure = f"{choice} cannot run {model}: {error}"
            if (choice, reason) == choices[-1]:
                raise ModelError(failure) from error
            log.warning("%s; going on without it", failure)
        else:
            log.info("engine %s (%s), %d stream(s)", choice, reason, engine.streams)
            return engine
    raise AssertionError("preferences are never empty")


def preferences(machine: Machine) -> list[tuple[str, str]]:
    """Names of engines with the reason for each, the best first.

    bf16 pays where the CPU multiplies it in tiles (3.3 times onnxruntime's fp32 with AMX); where it must be
    emulated it is up to 85 times slower. Between the two, an AMD Zen 5 with `avx512_bf16` gained 1.7 times; one
    such CPU is too few to choose it for all, but it may be asked for.
    """
    gpu = [(CUDA, "there is a GPU")] if machine.gpu else []
    amx = [(BF16, "the CPU has AMX")] if machine.amx else []
    return [
        *gpu,
        *amx,
        (CPU, "the CPU has no AMX and there is no GPU" if not gpu + amx else "it always works"),
    ]


def usable(machine: Machine) -> list[str]:
    """Every engine that this machine has what it takes for."""
    return [CPU, FP32, *([BF16] if machine.bf16 else []), *([CUDA] if machine.gpu else [])]


def _open(name: str, model: Path, outputs: Sequence[str], machine: Machine, threads: int) -> Engine:
    match name:
        case "onnxruntime-cpu":
            engine = Engine(CPU, threads, 512, False, _onnxruntime_cpu(model, outputs, machine))
        case "onnxruntime-cuda":
            # Not measured on a GPU. Small, since a few texts of each length are filled up to it as well.
            engine = Engine(CUDA, 1, 2_048, True, _onnxruntime_cuda(model, outputs))
        case "openvino-bf16":
            engine = Engine(BF16, threads, 1_024, False, _openvino(model, outputs, "bf16", threads))
        case "openvino-fp32":
            engine = Engine(FP32, threads, 512, False, _openvino(model, outputs, "f32", threads))
        case _:
            raise ModelError(f"no such engine; known are {', '.join((AUTO, *ENGINES))}")
    engine.run(np.zeros((2, 8), np.int64), np.ones((2, 8), np.int64))  # a provider may fail only when it runs
    return engine


def _onnxruntime_cpu(model: Path, outputs: Sequence[str], machine: Machine) -> Run:
    """One thread a call: two calls of one thread are 30 % quicker than one call of two threads."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.enable_mem_pattern = False  # it keeps a plan for every shape
    # 460 µs against 75 µs for the parts it fuses, on a Xeon; no difference on AMD.
    without = ["SkipLayerNormFusion"] if machine.intel else []
    session = onnxruntime.InferenceSession(
        model, options, providers=["CPUExecutionProvider"], disabled_optimizers=without
    )
    return _onnxruntime_run(session, outputs)


def _onnxruntime_cuda(model: Path, outputs: Sequence[str]) -> Run:
    onnxruntime.preload_dlls()  # CUDA's libraries may come as Python packages
    cuda = ("CUDAExecutionProvider", {"use_tf32": "0"})  # fp32 as on the CPU: the same labels
    session = onnxruntime.InferenceSession(model, providers=[cuda])
    if "CUDAExecutionProvider" not in session.get_providers():
        raise CudaMissing("onnxruntime could not load its CUDA provider; are CUDA and cuDNN installed?")
    return _onnxruntime_run(session, outputs)


def _onnxruntime_run(session: Any, outputs: Sequence[str]) -> Run:
    names = [given.name for given in session.get_inputs()]

    def run(ids: Ids, mask: Ids) -> list[Logits]:
        logits: list[Logits] = session.run(list(outputs), _inputs(names, ids, mask))
        return logits

    return run


def _openvino(model: Path, outputs: Sequence[str], precision: str, threads: int) -> Run:
    import openvino  # half a second, for those that use it

    config = {
        "INFERENCE_PRECISION_HINT": precision,
        "NUM_STREAMS": threads,
        "INFERENCE_NUM_THREADS": threads,
        "ENABLE_CPU_PINNING": False,  # two workers on one machine would be pinned to the same cores
    }
    compiled = openvino.Core().compile_model(model, "CPU", config)
    names = [given.any_name for given in compiled.inputs]
    idle: SimpleQueue[Any] = SimpleQueue()  # one call at a time in each request
    for _ in range(threads):
        idle.put(compiled.create_infer_request())

    def run(ids: Ids, mask: Ids) -> list[Logits]:
        request = idle.get()
        try:
            request.infer(_inputs(names, ids, mask))
            return [request.get_tensor(output).data.copy() for output in outputs]
        finally:
            idle.put(request)

    return run


def _inputs(names: Sequence[str], ids: Ids, mask: Ids) -> dict[str, Ids]:
    """What the graph asks for; segment ids, where it has them, are zero for a single text."""
    known = {"input_ids": ids, "attention_mask": mask}
    return {name: known[name] if name in known else np.zeros_like(ids) for name in names}
