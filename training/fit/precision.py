"""The device and number format that train fastest on this machine without loss of quality."""

from dataclasses import dataclass

import torch


@dataclass(frozen=True, slots=True)
class Precision:
    """Weights stay fp32; `autocast` is the type of the matrix products, None for fp32."""

    device: str
    autocast: torch.dtype | None

    def __str__(self) -> str:
        return f"on {self.device} in {str(self.autocast or torch.float32).removeprefix('torch.')}"


def best_precision() -> Precision:
    """CUDA: bf16 where the GPU has it, else fp16. CPU: bf16 only where the CPU multiplies in it, else fp32.

    A CPU with neither AMX nor AVX-512 BF16 emulates bf16, ten times slower than fp32.
    """
    if torch.cuda.is_available():
        return Precision(
            "cuda", torch.bfloat16 if torch.cuda.get_device_capability() >= (8, 0) else torch.float16
        )
    cpu = torch.cpu.get_capabilities()
    native = cpu.get("amx_bf16", False) or cpu.get("avx512_bf16", False)
    return Precision("cpu", torch.bfloat16 if native else None)
