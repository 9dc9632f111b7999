"""Activation checkpointing: a block keeps its input alone, and is computed again in the backward pass.

Chen et al. 1604.06174. What a block draws at random it draws again, the same.
"""

from functools import partial

from torch.utils.checkpoint import checkpoint

from workbench.models.decoder import Decoder


def recompute_blocks(model: Decoder) -> None:
    """From now on, the blocks of `model` keep nothing but their inputs. Without gradients nothing changes."""
    # With no dropout nothing is drawn, and there is no random state to carry along.
    drawing = model.config.dropout > 0
    for block in model.blocks:
        block.forward = partial(checkpoint, block.forward, use_reentrant=False, preserve_rng_state=drawing)


def keep_activations(model: Decoder) -> None:
    """Undo `recompute_blocks`."""
    for block in model.blocks:
        block.__dict__.pop("forward", None)
