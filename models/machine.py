"""The hardware of this machine: the CPU's instruction sets, a GPU that can be used, the number of CPUs."""

import ctypes
import os
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Machine:
    """What engines are chosen by."""

    cpu_flags: frozenset[str]  # as in /proc/cpuinfo; empty where there is no such file (not Linux)
    intel: bool
    gpu: bool  # NVIDIA's driver is there and finds one
    cpus: int  # that this process may run on

    @property
    def amx(self) -> bool:
        """Whether the CPU has matrix instructions for bf16."""
        return {"amx_tile", "amx_bf16"} <= self.cpu_flags

    @property
    def bf16(self) -> bool:
        """Whether the CPU has instructions for bf16; where it is emulated it is up to 85 times slower."""
        return self.amx or "avx512_bf16" in self.cpu_flags


def this_machine() -> Machine:
    """The machine that this process runs on."""
    cpuinfo = Path("/proc/cpuinfo")
    text = cpuinfo.read_text() if cpuinfo.exists() else ""
    return Machine(cpu_flags(text), "GenuineIntel" in text, gpu_answers(), usable_cpus())


def cpu_flags(cpuinfo: str) -> frozenset[str]:
    """The flags of the first processor in /proc/cpuinfo."""
    lines = (line.partition(":") for line in cpuinfo.splitlines())
    return next((frozenset(value.split()) for key, _, value in lines if key.strip() == "flags"), frozenset())


def gpu_answers() -> bool:
    """Whether NVIDIA's driver finds a GPU; onnxruntime-gpu lists its CUDA provider without one as well."""
    try:
        driver = ctypes.CDLL("libcuda.so.1")
    except OSError:
        return False
    count = ctypes.c_int(0)
    return driver.cuInit(0) == 0 and driver.cuDeviceGetCount(ctypes.byref(count)) == 0 and count.value > 0


def usable_cpus() -> int:
    """The number of CPUs that this process may run on, which may be fewer than the machine has."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
