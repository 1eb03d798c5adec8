"""What this machine can compute with: the CPU's abilities, a GPU that answers, the CPUs to be used."""

import ctypes
import os
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Machine:
    cpu_flags: frozenset[str]  # as in /proc/cpuinfo; none known on other systems than Linux
    intel: bool
    gpu: bool
    cpus: int

    @property
    def amx(self) -> bool:
        return {"amx_tile", "amx_bf16"} <= self.cpu_flags

    @property
    def bf16(self) -> bool:
        """Whether the CPU multiplies in bf16; emulated it is up to 85 times slower."""
        return self.amx or "avx512_bf16" in self.cpu_flags


def this_machine() -> Machine:
    cpuinfo = Path("/proc/cpuinfo")
    text = cpuinfo.read_text() if cpuinfo.exists() else ""
    return Machine(cpu_flags(text), "GenuineIntel" in text, gpu_answers(), usable_cpus())


def cpu_flags(cpuinfo: str) -> frozenset[str]:
    """The flags of the first processor in /proc/cpuinfo."""
    lines = (line.partition(":") for line in cpuinfo.splitlines())
    return next((frozenset(value.split()) for key, _, value in lines if key.strip() == "flags"), frozenset())


def gpu_answers() -> bool:
    """Ask NVIDIA's driver: onnxruntime-gpu lists its CUDA provider on machines without a GPU as well."""
    try:
        driver = ctypes.CDLL("libcuda.so.1")
    except OSError:
        return False
    count = ctypes.c_int(0)
    return driver.cuInit(0) == 0 and driver.cuDeviceGetCount(ctypes.byref(count)) == 0 and count.value > 0


def usable_cpus() -> int:
    """Those this process is bound to, which may be fewer than there are."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
