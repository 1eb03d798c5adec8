"""Engines: which one is chosen and why, that they agree, and errors of files that they cannot run."""

import logging
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from tiny_bert import write_tiny_bert
from waiting import PATIENCE_SECONDS

from models import engines
from models.engines import BF16, CPU, CUDA, FP32, open_engine, preferences
from models.errors import ModelError
from models.machine import Machine, cpu_flags, this_machine

PLAIN = Machine(frozenset({"avx2"}), intel=False, gpu=False, cpus=2)
AMX = replace(PLAIN, cpu_flags=frozenset({"avx512f", "amx_tile", "amx_bf16"}))
WHERE = Path("model.onnx")  # in errors
OUTPUTS = ["sentiment_logits", "topic_logits"]


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    return (write_tiny_bert(tmp_path_factory.mktemp("tiny")) / "model.onnx").read_bytes()


def test_flags_of_the_first_processor() -> None:
    text = "processor\t: 0\nflags\t\t: fpu amx_tile amx_bf16\n\nprocessor\t: 1\nflags\t\t: fpu\n"
    assert cpu_flags(text) == {"fpu", "amx_tile", "amx_bf16"}
    assert cpu_flags("") == frozenset()


@pytest.mark.parametrize(
    ("machine", "expected"),
    [
        (PLAIN, [CPU]),
        (replace(PLAIN, cpu_flags=frozenset()), [CPU]),
        (replace(PLAIN, cpu_flags=frozenset({"amx_tile"})), [CPU]),
        (AMX, [BF16, CPU]),
        (replace(PLAIN, gpu=True), [CUDA, CPU]),
        (replace(AMX, gpu=True), [CUDA, BF16, CPU]),
    ],
)
def test_the_machine_decides_the_order_of_engines(machine: Machine, expected: list[str]) -> None:
    assert [name for name, _ in preferences(machine)] == expected


def test_this_machine_is_described() -> None:
    machine = this_machine()
    assert machine.cpus >= 1
    assert machine.gpu in (True, False)


@pytest.mark.parametrize("name", [CPU, FP32])
def test_engines_agree_and_name_their_outputs_in_order(model: bytes, name: str) -> None:
    ids = np.array([[2, 10, 11, 3], [2, 99, 3, 0]])
    mask = np.array([[1, 1, 1, 1], [1, 1, 1, 0]])
    reference = open_engine(model, WHERE, OUTPUTS, CPU, threads=1).run(ids, mask)
    engine = open_engine(model, WHERE, OUTPUTS, name, threads=2)
    assert (engine.name, engine.streams) == (name, 2)
    sentiment, topic = engine.run(ids, mask)
    assert (sentiment.shape, topic.shape) == ((2, 3), (2, 20))
    np.testing.assert_allclose(sentiment, reference[0], atol=1e-5)
    np.testing.assert_allclose(topic, reference[1], atol=1e-5)


@pytest.mark.parametrize("name", [CPU, FP32])
def test_an_engine_keeps_no_second_copy_of_the_weights(model: bytes, name: str) -> None:
    """46 MB of each worker, for the bundled model."""
    content = bytes(bytearray(model))  # which nothing else refers to
    before = sys.getrefcount(content)
    engine = open_engine(content, WHERE, OUTPUTS, name)
    assert engine.name == name
    assert sys.getrefcount(content) == before


def test_results_are_not_overwritten_by_the_next_call(model: bytes) -> None:
    run = open_engine(model, WHERE, OUTPUTS, FP32, threads=1).run
    ones = np.ones((2, 8), np.int64)
    first = run(ones * 10, ones)
    before = [values.copy() for values in first]
    run(ones * 20, ones)
    for values, expected in zip(first, before, strict=True):
        np.testing.assert_array_equal(values, expected)


def test_the_choice_and_its_reason_are_logged(
    model: bytes, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engines, "this_machine", lambda: PLAIN)
    with caplog.at_level(logging.INFO):
        engine = open_engine(model, WHERE, OUTPUTS)
    assert engine.name == CPU
    assert "engine onnxruntime-cpu (the CPU has no AMX and there is no GPU), 2 stream(s)" in caplog.text


@pytest.mark.skipif(this_machine().gpu, reason="the GPU here would work")
def test_a_gpu_that_does_not_work_is_logged_and_the_next_engine_used(
    model: bytes, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engines, "this_machine", lambda: replace(PLAIN, gpu=True))
    engine = open_engine(model, WHERE, OUTPUTS)
    assert engine.name == CPU
    assert "onnxruntime-cuda cannot run" in caplog.text


@pytest.mark.parametrize("name", [CPU, FP32])
def test_a_file_without_a_graph_is_an_error(name: str) -> None:
    with pytest.raises(ModelError, match=rf"{name} cannot run .*model\.onnx"):
        open_engine(b"", WHERE, OUTPUTS, name)


def test_a_missing_output_is_an_error(model: bytes) -> None:
    with pytest.raises(ModelError, match="language_logits"):
        open_engine(model, WHERE, ["language_logits"], CPU)


def test_an_unknown_engine_is_an_error_that_names_the_known(model: bytes) -> None:
    with pytest.raises(ModelError, match=r"tpu cannot run .* known are auto, onnxruntime-cpu"):
        open_engine(model, WHERE, OUTPUTS, "tpu")


def test_onnxruntime_reports_nothing_to_its_maker(tmp_path: Path) -> None:
    """Where it does, its import writes an identifier of this machine into the folder for caches."""
    environment = {name: value for name, value in os.environ.items() if name != "ORT_DISABLE_TELEMETRY"}
    command = [sys.executable, "-c", "import models.engines"]
    subprocess.run(
        command, check=True, env=environment | {"XDG_CACHE_HOME": str(tmp_path)}, timeout=PATIENCE_SECONDS
    )
    assert not list(tmp_path.iterdir())
