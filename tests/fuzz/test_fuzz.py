"""Some thousand generated inputs through every parser, always the same ones; `make fuzz` runs a million others."""

import logging
from contextlib import suppress
from mmap import mmap
from pathlib import Path

import pytest
from runner import Fault, generate, run
from saved import replay, save
from targets import TARGETS
from targets.target import Target

SEED = 18
ONE_IN = 60  # of the inputs of a full run


@pytest.fixture(autouse=True)
def no_logs():
    logging.disable(logging.CRITICAL)
    yield
    logging.disable(logging.NOTSET)


@pytest.mark.parametrize("target", TARGETS, ids=lambda target: target.name)
def test_no_input_is_a_crash_a_hang_or_growth(target: Target, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(Path.cwd())  # a target may change it
    outcome = run(target, SEED, range(target.inputs // ONE_IN))
    assert [(fault.error, fault.given[:2000]) for fault in outcome.faults] == []
    assert outcome.accepted / outcome.inputs > 0.01, (
        "hardly an input is valid: nothing behind the first check is reached"
    )


def test_an_input_depends_on_its_number_alone():
    for target in TARGETS:
        assert generate(target, 1, 7) == generate(target, 1, 7)


def planted(check: object) -> Target:
    return Target("planted", (), lambda rng: rng.randbytes(2), check, 1000)  # type: ignore[arg-type]


def test_a_crash_a_failed_property_and_a_panic_are_faults():
    class Panic(BaseException):
        """As Rust's is in Python."""

    def check(given: bytes) -> bool:
        if given[0] < 8:
            raise {0: ValueError, 1: RecursionError, 2: MemoryError, 3: Panic, 4: SystemExit}.get(
                given[0], KeyError
            )("odd")
        return True

    outcome = run(planted(check), 1, range(2000))
    found = {fault.error for fault in outcome.faults}
    assert found == {
        f"{name}: odd" for name in ("ValueError", "RecursionError", "MemoryError", "Panic", "SystemExit")
    } | {"KeyError: 'odd'"}
    assert outcome.accepted == 2000 - outcome.seen.total()
    assert all(fault.given == generate(planted(check), 1, fault.number) for fault in outcome.faults)


def test_an_input_that_takes_too_long_is_a_fault_even_where_every_exception_is_caught():
    def check(given: bytes) -> bool:
        while given[0] < 8:
            with suppress(Exception):
                sum(range(1000))
        return True

    outcome = run(planted(check), 1, range(40), cpu_seconds=0.05)
    assert {fault.error for fault in outcome.faults} == {"TooSlow: more than 0.05 s of processor time"}
    assert outcome.seen.total() == sum(generate(planted(check), 1, number)[0] < 8 for number in range(40)) > 0


def test_a_process_that_grows_is_a_fault():
    kept: list[mmap] = []

    def check(given: bytes) -> bool:
        kept.append(mmap(-1, 2**20))  # from the system: not what this process has freed before
        kept[-1].write(bytes(2**20))
        return True

    outcome = run(planted(check), 1, range(400), growth_bytes=16 * 2**20)
    (fault,) = outcome.faults
    assert fault.error.startswith("the process grew by ")


def test_a_fault_is_saved_and_can_be_replayed(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    path = save(Fault("keys", 7, b"news/topic:x", "ValueError: odd", "trace"), 3, tmp_path / "faults")
    assert path.with_suffix(".txt").read_text() == "seed 3, input 7\nValueError: odd\n\ntrace"
    replay([path, save(Fault("keys", 7, b"news/x", "", ""), 3, tmp_path / "faults")])
    assert [line.rpartition(": ")[2] for line in capsys.readouterr().out.splitlines()] == [
        "accepted",
        "rejected as documented",
    ]
    with pytest.raises(LookupError, match="there is no target 'nothing'; known are record-batches, "):
        replay([tmp_path / "nothing-00000000.bin"])
