"""The tensors of a folder's safetensors files, read one at a time. Pickles are never opened: they can run code."""

import json
import re
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from workbench.errors import BadInput
from workbench.models.formats.keys import read_object

WHOLE, INDEX = "model.safetensors", "model.safetensors.index.json"
FLOATS = ("F64", "F32", "F16", "BF16")


class Tensors:
    """Names → shapes and values, of one file or of all shards."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._holders: dict[str, Any] = {}
        for path in _files(folder):
            try:
                file = safe_open(path, framework="pt")
                self._holders |= dict.fromkeys(file.keys(), file)
            except FileNotFoundError:
                raise BadInput(f"{path}: no such file, though {INDEX} names it; copy the missing shard there") from None
            except (SafetensorError, OSError) as error:
                raise BadInput(f"{path}: cannot be read as safetensors ({error}); copy the file again") from error

    @property
    def names(self) -> set[str]:
        """Of all tensors."""
        return set(self._holders)

    def shape(self, name: str) -> tuple[int, ...]:
        """Without reading the values."""
        return tuple(self._holders[name].get_slice(name).get_shape())

    def read(self, name: str) -> Tensor:
        """The values in float32; float16 and bfloat16 become so without loss."""
        kind = self._holders[name].get_slice(name).get_dtype()
        if kind not in FLOATS:
            raise BadInput(
                f"{self.folder}: the tensor {name} is stored as {kind}; quantised weights cannot be loaded, "
                "save the model in float32, bfloat16 or float16"
            )
        tensor: Tensor = self._holders[name].get_tensor(name)
        return tensor.to(torch.float32, copy=True)  # what was read may be a window on the file, which can change


def _files(folder: Path) -> list[Path]:
    """The one file, or every shard that the index names."""
    if (folder / WHOLE).is_file():
        return [folder / WHOLE]
    if (folder / INDEX).is_file():
        index = read_object(folder / INDEX, "")
        shards = index.get("weight_map")
        if not isinstance(shards, dict) or not shards:
            raise BadInput(f"{folder / INDEX}: the key weight_map is missing; it names the file of each tensor")
        for shard in shards.values():
            if not isinstance(shard, str) or Path(shard).name != shard or not shard.endswith(".safetensors"):
                raise BadInput(
                    f"{folder / INDEX}: weight_map names the file {json.dumps(shard)}; "
                    "it should be a .safetensors file of the same folder"
                )
        return [folder / shard for shard in sorted(set(shards.values()))]
    pickles = sorted(path.name for pattern in ("*.bin", "*.pt", "*.pth") for path in folder.glob(pattern))
    if pickles:
        raise BadInput(
            f"{folder}: the weights are in {pickles[0]}, a pickle, which can run any code when it is opened; "
            f"give a folder with {WHOLE}, as `save_pretrained` writes it"
        )
    raise BadInput(f"{folder}: no weights; it should hold {WHOLE}, or {INDEX} and its shards")


def write_tensors(weights: dict[str, Tensor], path: Path, like: Path) -> None:
    """One file of all tensors, with the permissions of `like`: the library's own let nobody else read it."""
    try:
        save_file(weights, path, metadata={"format": "pt"})
    except SafetensorError as error:
        # A full disk is told by an error of the library's own, with the system's number in its words.
        number = re.search(r"os error (\d+)", str(error))
        if number is None:
            raise
        raise OSError(int(number[1]), str(error)) from error
    path.chmod(like.stat().st_mode)
