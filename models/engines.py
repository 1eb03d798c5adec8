"""Engines that run the ONNX graph: onnxruntime on a CPU or GPU, OpenVINO; chosen by the machine or by name."""

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
from models.graph import check_self_contained
from models.machine import Machine, this_machine

onnxruntime.disable_telemetry_events()  # where a program imported onnxruntime before `models` switched it off
log = logging.getLogger(__name__)

Ids = npt.NDArray[np.int64]  # (batch, tokens)
Logits = npt.NDArray[np.float32]  # (batch, n_labels)
Run = Callable[[Ids, Ids], list[Logits]]

AUTO = "auto"
CPU, CUDA, BF16, FP32 = "onnxruntime-cpu", "onnxruntime-cuda", "openvino-bf16", "openvino-fp32"
ENGINES = (CPU, CUDA, BF16, FP32)


@dataclass(frozen=True)
class Engine:
    """`run` takes `input_ids` and `attention_mask` and returns each output's logits; any thread may call it.

    A row's logits depend on the other rows only through the shape of the batch. On a CPU only a batch of one row
    differs (another kernel, other last bits), so every batch has at least two rows; on a GPU any shape may make a
    difference, so `fixed_rows` asks for batches that are always full.
    """

    name: str
    streams: int  # parallel calls that raise the throughput
    budget_tokens: int  # padded tokens of one call
    fixed_rows: bool
    run: Run


def open_engine(
    model: bytes, where: Path, outputs: Sequence[str], name: str = AUTO, threads: int | None = None
) -> Engine:
    """The engine of that name, or with "auto" the best one that works on this machine.

    Args:
        model: content of an ONNX file, in which all weights are.
        where: that file, for errors; it is not read.
        outputs: names of the graph's outputs, in the order in which their logits are returned.
        threads: CPU threads to use; None: as many as this process may run on.

    Raises:
        ModelError: no such engine, none can run the graph, or it has weights in other files.
    """
    check_self_contained(model, where)
    machine = this_machine()
    choices = preferences(machine) if name == AUTO else [(name, "chosen by name")]
    for choice, reason in choices:
        try:
            engine = _open(choice, model, outputs, machine, threads or machine.cpus)
        except Exception as error:  # the engines' own errors have no common base
            failure = f"{choice} cannot run {where}: {error}"
            if (choice, reason) == choices[-1]:
                raise ModelError(failure) from error
            log.warning("%s; the next engine is tried", failure)
        else:
            log.info("engine %s (%s), %d stream(s)", choice, reason, engine.streams)
            return engine
    raise AssertionError("preferences are never empty")


def preferences(machine: Machine) -> list[tuple[str, str]]:
    """Names of engines with the reason for each, the best first.

    bf16 is faster where the CPU has matrix instructions for it (3.3 times onnxruntime's fp32 with AMX); where it is
    emulated it is up to 85 times slower. An AMD Zen 5 with `avx512_bf16` gained 1.7 times; one such CPU is not
    enough evidence to choose it for all of them, but it can be chosen by name.
    """
    gpu = [(CUDA, "there is a GPU")] if machine.gpu else []
    amx = [(BF16, "the CPU has AMX")] if machine.amx else []
    return [
        *gpu,
        *amx,
        (CPU, "the CPU has no AMX and there is no GPU" if not gpu + amx else "it always works"),
    ]


def usable(machine: Machine) -> list[str]:
    """The engines whose hardware this machine has."""
    return [CPU, FP32, *([BF16] if machine.bf16 else []), *([CUDA] if machine.gpu else [])]


def _open(name: str, model: bytes, outputs: Sequence[str], machine: Machine, threads: int) -> Engine:
    match name:
        case "onnxruntime-cpu":
            engine = Engine(CPU, threads, 512, False, _onnxruntime_cpu(model, outputs, machine))
        case "onnxruntime-cuda":
            # Not measured on a GPU. Small, because a few texts of each length are padded to it as well.
            engine = Engine(CUDA, 1, 2_048, True, _onnxruntime_cuda(model, outputs))
        case "openvino-bf16":
            engine = Engine(BF16, threads, 1_024, False, _openvino(model, outputs, "bf16", threads))
        case "openvino-fp32":
            engine = Engine(FP32, threads, 512, False, _openvino(model, outputs, "f32", threads))
        case _:
            raise ModelError(f"no such engine; known are {', '.join((AUTO, *ENGINES))}")
    engine.run(np.zeros((2, 8), np.int64), np.ones((2, 8), np.int64))  # a provider may fail only when it runs
    return engine


def _onnxruntime_cpu(model: bytes, outputs: Sequence[str], machine: Machine) -> Run:
    """One thread per call: two parallel calls of one thread are 30 % faster than one call of two threads."""
    options = _options()
    options.intra_op_num_threads = 1
    options.enable_mem_pattern = False  # it would keep a memory plan for every shape
    # On a Xeon the fused operator takes 460 µs, its parts take 75 µs; no difference on AMD.
    without = ["SkipLayerNormFusion"] if machine.intel else []
    session = onnxruntime.InferenceSession(
        model, options, providers=["CPUExecutionProvider"], disabled_optimizers=without
    )
    return _onnxruntime_run(session, outputs)


def _onnxruntime_cuda(model: bytes, outputs: Sequence[str]) -> Run:
    onnxruntime.preload_dlls()  # CUDA's libraries may come as Python packages
    cuda = ("CUDAExecutionProvider", {"use_tf32": "0"})  # fp32 as on the CPU: the same labels
    session = onnxruntime.InferenceSession(model, _options(), providers=[cuda])
    if "CUDAExecutionProvider" not in session.get_providers():
        raise CudaMissing("onnxruntime could not load its CUDA provider; are CUDA and cuDNN installed?")
    return _onnxruntime_run(session, outputs)


def _options() -> Any:
    options = onnxruntime.SessionOptions()
    # Not its own format, which it would detect.
    options.add_session_config_entry("session.load_model_format", "ONNX")
    return options


def _onnxruntime_run(session: Any, outputs: Sequence[str]) -> Run:
    session._model_bytes = b""  # kept for a fallback that is not used, a copy of all weights
    names = _known([given.name for given in session.get_inputs()])

    def run(ids: Ids, mask: Ids) -> list[Logits]:
        logits: list[Logits] = session.run(list(outputs), _inputs(names, ids, mask))
        return logits

    return run


def _openvino(model: bytes, outputs: Sequence[str], precision: str, threads: int) -> Run:
    import openvino  # takes half a second; only those who use it pay

    config = {
        "INFERENCE_PRECISION_HINT": precision,
        "NUM_STREAMS": threads,
        "INFERENCE_NUM_THREADS": threads,
        "ENABLE_CPU_PINNING": False,  # two workers on one machine would be pinned to the same cores
    }
    core = openvino.Core()
    compiled = core.compile_model(core.read_model(model), "CPU", config)
    names = _known([given.any_name for given in compiled.inputs])
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


def _known(names: Sequence[str]) -> Sequence[str]:
    """Raises ModelError for an input that a graph asks for and that nothing here gives."""
    if unknown := set(names) - {"input_ids", "attention_mask", "token_type_ids"}:
        raise ModelError(f"the graph has an unknown input {min(unknown)!r}")
    return names


def _inputs(names: Sequence[str], ids: Ids, mask: Ids) -> dict[str, Ids]:
    """The inputs that the graph names; segment ids, where it has them, are zero for a single text."""
    known = {"input_ids": ids, "attention_mask": mask}
    return {name: known[name] if name in known else np.zeros_like(ids) for name in names}
