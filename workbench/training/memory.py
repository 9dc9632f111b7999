"""The memory that one training step needs, as far as it follows from how a model is trained. Free of torch."""

from workbench.models.counts import parameters_by_group, training_bytes
from workbench.training.config import RunConfig


def step_bytes(config: RunConfig, batch_windows: int) -> int:
    """Estimate for steps of so many windows, in bytes: `training_bytes`, with this optimizer's state for AdamW's.

    Sharpness-aware minimisation keeps a copy of the weights as well, and several micro-batches the sum of gradients.
    What a loss in chunks saves is not taken off: an estimate from above.
    """
    n_params = sum(parameters_by_group(config.model).values())
    micro_batch = config.execution.windows_at_once(batch_windows)
    state = _optimizer_bytes(config) - 8.0 * n_params
    copies = (config.train.sam_radius > 0) + (micro_batch < batch_windows)
    again = config.execution.activation_checkpointing
    step = training_bytes(config.model, micro_batch, config.train.precision, recomputes=again)
    return int(step + state + 4 * copies * n_params)


def _optimizer_bytes(config: RunConfig) -> float:
    """What an optimizer keeps of all parameters: 4 bytes for each number, or one and its share of a block's largest."""
    groups = parameters_by_group(config.model)
    n_params, in_blocks = sum(groups.values()), groups["attention"] + groups["feed_forward"]
    return {
        "adamw": 8.0 * n_params,
        "adamw-8bit": 2 * (1 + 4 / 256) * n_params,
        "lion": 4.0 * n_params,
        "muon": 8.0 * n_params - 4.0 * in_blocks,
        "sgd": 4.0 * n_params if config.train.resolved_momentum else 0.0,
    }[config.train.optimizer]
