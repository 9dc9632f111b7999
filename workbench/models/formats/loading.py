"""From a folder in Hugging Face's layout to a decoder."""

from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from workbench.errors import BadInput
from workbench.models.config import ModelConfig
from workbench.models.decoder import Decoder
from workbench.models.formats.base import Format
from workbench.models.formats.keys import Keys, read_object
from workbench.models.formats.table import FORMATS
from workbench.models.formats.tensors import Tensors
from workbench.validation import shown, validated


def from_hugging_face(folder: Path | str) -> Decoder:
    """The model of a folder that holds config.json and safetensors: in float32, on the CPU, set to evaluate.

    Nothing is downloaded, no pickle is opened and no code of the folder is run. What our decoder cannot compute
    exactly is refused.
    """
    folder = Path(folder)
    if not folder.is_dir():
        raise BadInput(f"{folder}: no such folder; give one on this machine, nothing is downloaded by its name")
    path = folder / "config.json"
    document = read_object(path, "give a folder in Hugging Face's layout")
    kind = _format(path, document)
    keys = Keys(path, document, {**kind.defaults, "quantization_config": None}, kind.model_type)
    keys.must_be("quantization_config", None)
    config = _defaulted(validated(ModelConfig, kind.fields(keys), path))
    with torch.device("meta"):
        decoder = Decoder(config)
    decoder.load_state_dict(_weights(kind, decoder, Tensors(folder)), assign=True)
    return decoder.eval()


def _defaulted(config: ModelConfig) -> ModelConfig:
    """The same model without a d_ff that is the default, so that what we exported comes back as it was."""
    bare = config.model_copy(update={"d_ff": None})
    return bare if bare.ff_dim == config.ff_dim else config


def _format(path: Path, document: dict[str, Any]) -> Format:
    name = document.get("model_type")
    if not isinstance(name, str) or name not in FORMATS:
        raise BadInput(f"{path}: model_type = {shown(name)}: only {', '.join(FORMATS)} can be loaded")
    return FORMATS[name]


def _weights(kind: Format, decoder: Decoder, tensors: Tensors) -> dict[str, Tensor]:
    """Our state dict, every tensor of it read, and every tensor of theirs used."""
    config, empty = decoder.config, decoder.state_dict()
    stored = _full_names(kind, tensors.names)
    weights = {}
    for link in kind.all_links(config):
        shapes = [tuple(part.shape) for part in link.layout.write(empty[link.ours])]
        for name, shape in zip(link.theirs, shapes, strict=True):
            if name not in stored:
                raise BadInput(f"{tensors.folder}: the tensor {name} is missing; copy the folder whole")
            if tensors.shape(stored[name]) != shape:
                raise BadInput(
                    f"{tensors.folder}: the tensor {name} is {tensors.shape(stored[name])}; "
                    f"by config.json it should be {shape}"
                )
        theirs = tuple(tensors.read(stored.pop(name)) for name in link.theirs)
        weights[link.ours] = link.layout.read(theirs).contiguous()
    if config.tie_embeddings and kind.head in stored:
        _check_tied(tensors, stored.pop(kind.head), weights["token_embedding.weight"])
    left = sorted(name for name in stored if not kind.buffers.search(name))
    if left:
        more = f" and {len(left) - 1} more" if left[1:] else ""
        raise BadInput(
            f"{tensors.folder}: the tensor {left[0]}{more} has no place in the {kind.title} of config.json; "
            "only causal language models without adapters or heads of other kinds can be loaded"
        )
    return weights


def _full_names(kind: Format, names: set[str]) -> dict[str, str]:
    """A tensor's name as the whole model has it → as stored: files of the body alone lack the prefix."""
    prefix = "" if any(name.startswith(kind.prefix) for name in names) else kind.prefix
    return {kind.head if name in kind.heads else f"{prefix}{name}": name for name in names}


def _check_tied(tensors: Tensors, head: str, embedding: Tensor) -> None:
    if not torch.equal(tensors.read(head), embedding):
        raise BadInput(
            f"{tensors.folder / 'config.json'}: tie_word_embeddings = true, but the tensor {head} is not the token "
            "embedding; it should be false to load both"
        )
