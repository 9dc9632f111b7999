"""The memory that one training step needs, as far as it follows from how a model is trained. Free of torch."""

from workbench.models.config import DECODER
from workbench.models.counts import count, parameters_by_group, training_bytes
from workbench.training.config import RunConfig


def step_bytes(config: RunConfig, batch_windows: int) -> int:
    """Estimate for steps of so many windows, in bytes: `training_bytes`, with this optimizer's state for AdamW's.

    Sharpness-aware minimisation keeps a copy of the weights as well, and several micro-batches the sum of gradients.
    What a loss in chunks saves is not taken off: an estimate from above.
    """
    n_params = count(config.model).n_params
    micro_batch = config.execution.windows_at_once(batch_windows)
    state = _optimizer_bytes(config) - 8.0 * n_params
    copies = (config.train.sam_radius > 0) + (micro_batch < batch_windows)
    return int(_training_bytes(config, micro_batch) + state + 4 * copies * n_params)


def _training_bytes(config: RunConfig, micro_batch: int) -> int:
    """By the formula; of a registered model by what autograd was seen to keep in float32."""
    if config.model.architecture == DECODER:
        again = config.execution.activation_checkpointing
        return training_bytes(config.model, micro_batch, config.train.precision, recomputes=again)
    from workbench.models.own_counts import count_own

    own = count_own(config.model)
    return (16 if config.train.precision == "fp32" else 18) * own.counts.n_params + micro_batch * own.activation_bytes


def _optimizer_bytes(config: RunConfig) -> float:
    """What an optimizer keeps of all parameters: 4 bytes for each number, or one and its share of a block's largest."""
    n_params, in_blocks = count(config.model).n_params, 0
    if config.model.architecture == DECODER:
        groups = parameters_by_group(config.model)
        in_blocks = groups["attention"] + groups["feed_forward"]
    return {
        "adamw": 8.0 * n_params,
        "adamw-8bit": 2 * (1 + 4 / 256) * n_params,
        "lion": 4.0 * n_params,
        "muon": 8.0 * n_params - 4.0 * in_blocks,
        "sgd": 4.0 * n_params if config.train.resolved_momentum else 0.0,
    }[config.train.optimizer]
