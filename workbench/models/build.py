"""A model of any architecture, from its config and a seed."""

from workbench.models.config import DECODER, ModelConfig
from workbench.models.decoder import Decoder, build
from workbench.models.own_model import OwnModel, build_own

Model = Decoder | OwnModel
"""What can be trained: ids (B, T) to logits (B, T, V), with the `config` it was made from."""


def build_model(config: ModelConfig, seed: int) -> Model:
    """The model on the CPU, initialised from `seed`; the global random state is left alone."""
    return build(config, seed) if config.architecture == DECODER else build_own(config, seed)
