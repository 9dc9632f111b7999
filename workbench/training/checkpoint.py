"""Checkpoints: safetensors for the arrays, JSON for the rest, a SHA-256 for each, a folder that is whole or absent.

<folder>/<step>/model.safetensors       weights, and buffers that a registered model keeps
<folder>/<step>/optimizer.safetensors   the optimizer's state, while the run can be resumed: `parameter.key`, or
                                        `parameter.key/part` where it keeps several tensors under a key
<folder>/<step>/state.json              step, curve so far, loss scale, checksums: its own too, taken with zeros in
                                        its place
"""

import hashlib
import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from workbench.errors import BadInput
from workbench.files import checksum, remove_folder, remove_stale, write_folder

STATE = "state.json"
BLANK = "0" * 64
"""What stands for the state's own SHA-256 while it is taken."""


def save(
    folder: Path, step: int, model: nn.Module, optimizer: torch.optim.Optimizer | None, state: Mapping[str, Any]
) -> Path:
    """Write the checkpoint of `step`, then remove all earlier ones in `folder`. Returns the checkpoint's folder.

    One process at a time may do so. A checkpoint of that step which is there already is kept: it holds the same. A
    later one is another process's, which has taken the run over.
    """
    target = plant(folder, step, model, optimizer, state)
    for other in folder.iterdir():
        if other.name.isdigit() and int(other.name) < step:
            remove_folder(other)
    remove_stale(folder)
    return target


def plant(
    folder: Path, step: int, model: nn.Module, optimizer: torch.optim.Optimizer | None, state: Mapping[str, Any]
) -> Path:
    """Write the checkpoint of `step` and leave whatever else is in `folder`, which may be another process's."""

    def write(temporary: Path) -> None:
        _write(_weights(model), temporary / "model.safetensors")
        if optimizer is not None:
            _write(_optimizer_state(model, optimizer), temporary / "optimizer.safetensors")
        checksums = {file.name: checksum(file) for file in sorted(temporary.glob("*.safetensors"))}
        document = {"step": step, "sha256": {STATE: BLANK, **checksums}, **state}
        # The curve's gaps (steps without an evaluation) are NaN, which Python's JSON writes and reads back exactly.
        text = json.dumps(document).encode()
        own = hashlib.sha256(text).hexdigest()
        (temporary / STATE).write_bytes(text.replace(BLANK.encode(), own.encode(), 1))

    target = folder / str(step)
    write_folder(target, write)
    return target


def latest(folder: Path) -> Path | None:
    """The newest whole checkpoint in `folder`."""
    steps = [int(path.name) for path in folder.glob("*") if path.name.isdigit() and (path / STATE).is_file()]
    return folder / str(max(steps)) if steps else None


def read_state(checkpoint: Path) -> dict[str, Any]:
    """The JSON half of a checkpoint, after every file, itself included, has been checked against its SHA-256.

    States of before they had a SHA-256 of their own are read without it. Raises `BadInput`.
    """
    path = checkpoint / STATE
    try:
        text = path.read_bytes()
        state: dict[str, Any] = json.loads(text)
        checksums = dict(state["sha256"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise BadInput(f"{path}: not a checkpoint's state ({error}); delete the folder") from error
    for name, expected in checksums.items():
        found = _own_checksum(text, str(expected)) if name == STATE else checksum(checkpoint / name)
        if found != expected:
            raise BadInput(f"{checkpoint / name}: its SHA-256 is not {expected[:12]}…; delete the folder to train anew")
    return state


def restore(checkpoint: Path, model: nn.Module, optimizer: torch.optim.Optimizer | None) -> dict[str, Any]:
    """Load weights and, where asked for, the optimizer's state; return the JSON half."""
    state = read_state(checkpoint)
    device = next(model.parameters()).device
    weights = load_file(checkpoint / "model.safetensors", device=str(device))
    model.load_state_dict(_with_other_names(model, weights))
    if optimizer is not None:
        _restore_optimizer(checkpoint / "optimizer.safetensors", model, optimizer)
    return state


def _write(tensors: dict[str, Tensor], path: Path) -> None:
    """The library reports a full disk by an error of its own, with the system's number in its words."""
    try:
        save_file(tensors, path)
    except SafetensorError as error:
        number = re.search(r"os error (\d+)", str(error))
        if number is None:
            raise
        raise OSError(int(number[1]), str(error)) from error


def _weights(model: nn.Module) -> dict[str, Tensor]:
    """Every parameter, and every buffer that the model says is to be kept, once, under its first name.

    Buffers are copied, as two may be views of one memory, which the format refuses.
    """
    first = {id(tensor): (name, tensor) for name, tensor in reversed(model.state_dict(keep_vars=True).items())}
    return {
        name: tensor.detach().contiguous() if isinstance(tensor, nn.Parameter) else tensor.detach().clone().contiguous()
        for name, tensor in first.values()
    }


def _with_other_names(model: nn.Module, weights: dict[str, Tensor]) -> dict[str, Tensor]:
    """The weights under all their names: a tied tensor was saved under its first."""
    state = model.state_dict(keep_vars=True)
    first = {id(tensor): name for name, tensor in reversed(state.items())}
    known = {name: first[id(tensor)] for name, tensor in state.items()}
    return weights | {name: weights[saved] for name, saved in known.items() if saved in weights and name != saved}


def _optimizer_state(model: nn.Module, optimizer: torch.optim.Optimizer) -> dict[str, Tensor]:
    """Every tensor of the state under the name of its place. There is none where fp16 has skipped every step so far."""
    places: dict[str, Tensor] = {}
    for name, parameter in model.named_parameters():
        for key, value in optimizer.state.get(parameter, {}).items():
            parts = {f"/{part}": tensor for part, tensor in value.items()} if isinstance(value, dict) else {"": value}
            places |= {f"{name}.{key}{part}": tensor.detach().contiguous() for part, tensor in parts.items()}
    return places


def _restore_optimizer(path: Path, model: nn.Module, optimizer: torch.optim.Optimizer) -> None:
    """Put every tensor back in its place, in its own type, on its parameter's device.

    The count of steps is on the CPU but where a fused kernel reads it, as torch has it.
    """
    parameters = dict(model.named_parameters())
    fused = {id(p) for group in optimizer.param_groups if group.get("fused") for p in group["params"]}
    for place, tensor in load_file(path).items():
        name, _, rest = place.rpartition(".")
        key, _, part = rest.partition("/")
        parameter = parameters[name]
        if key != "step" or id(parameter) in fused:
            tensor = tensor.to(parameter.device)
        if part:
            optimizer.state[parameter].setdefault(key, {})[part] = tensor
        else:
            optimizer.state[parameter][key] = tensor


def _own_checksum(text: bytes, stated: str) -> str:
    """The SHA-256 of a state, with zeros where its own is stated."""
    return hashlib.sha256(text.replace(stated.encode(), BLANK.encode(), 1)).hexdigest()
