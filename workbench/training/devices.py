"""The device a run trains on, and what it used."""

import platform
import resource
import sys

import torch

from workbench.errors import BadInput


def pick_device(name: str) -> torch.device:
    """`auto` is CUDA where there is one, else the CPU; a device that is not here is refused."""
    if name == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    device = torch.device(name)
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


def numerics(device: torch.device, threads: int) -> str:
    """What bit-for-bit equality is promised for: two runs with the same text here and the same id are equal."""
    if device.type == "cuda":
        return f"cuda {torch.cuda.get_device_name(device)} torch {torch.__version__}"
    kernels = f"{platform.machine()} {torch.backends.cpu.get_cpu_capability()}"
    return f"{device.type} {kernels} threads {threads} torch {torch.__version__}"
