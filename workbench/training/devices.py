"""The device a run trains on, and what it used."""

import platform
import resource
import sys
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any

import torch

from workbench.errors import BadInput
from workbench.training.config import ExecutionConfig, Precision


def pick_device(name: str) -> torch.device:
    """`auto` is CUDA where there is one, else the CPU; a device that is not here is refused."""
    if name == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        device = torch.device(name)
        known = device.type in ("cpu", "cuda", "mps")
    except RuntimeError:
        known = False
    if not known:
        raise BadInput(f"execution.device = {name!r}: not a kind of device; use auto, cpu, cuda, cuda:N or mps")
    if device.type == "mps" and not torch.backends.mps.is_available():
        raise BadInput(f"execution.device = {name!r}: this machine has no MPS device; use auto or cpu")
    if device.type == "cuda" and not torch.cuda.is_available():
        raise BadInput(f"execution.device = {name!r}: this machine has no CUDA device; use auto or cpu")
    if device.type == "cuda" and device.index is not None and device.index >= torch.cuda.device_count():
        raise BadInput(f"execution.device = {name!r}: this machine has {torch.cuda.device_count()} CUDA devices")
    return device


def peak_memory_bytes(device: torch.device) -> int:
    """The most memory used so far: allocated on the GPU, or resident in this process."""
    if device.type == "cuda":
        return int(torch.cuda.max_memory_allocated(device))
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024


def numerics(device: torch.device, execution: ExecutionConfig, pack: int = 1) -> str:
    """What bit-for-bit equality on a CPU is promised for: two runs with the same text here and the same id are equal.

    On a GPU the text says as much, and the promise is within rounding: its attention adds in no fixed order.
    """
    if device.type == "cuda":
        words = ["cuda", torch.cuda.get_device_name(device)]
    else:
        words = [device.type, platform.machine(), torch.backends.cpu.get_cpu_capability()]
        words += ["threads", str(execution.threads)]
    words += ["torch", torch.__version__]
    if pack > 1:
        words += ["pack", str(pack)]
    if execution.micro_batch is not None:
        words += ["micro-batch", str(execution.micro_batch)]
    words += [name for name in ("compile", "tf32", "chunked_loss", "noise_scale") if getattr(execution, name)]
    return " ".join(words)


def autocast(device: torch.device, precision: Precision) -> AbstractContextManager[Any]:
    """The arithmetic of a forward pass; softmax, norms and the loss stay in float32."""
    if precision == "fp32":
        return nullcontext()
    return torch.autocast(device.type, dtype=torch.bfloat16 if precision == "bf16" else torch.float16)


@contextmanager
def exact_products() -> Iterator[None]:
    """Float32 products in float32, whatever training was allowed: evaluations are exact."""
    before = torch.backends.cuda.matmul.allow_tf32
    torch.backends.cuda.matmul.allow_tf32 = False
    try:
        yield
    finally:
        torch.backends.cuda.matmul.allow_tf32 = before
