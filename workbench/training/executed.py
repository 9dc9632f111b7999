"""The FLOPs a run executes: those of its horizon, and what its objective and its memory make it compute again.

Free of torch. Matrix products of the model alone, as everywhere: what an optimizer computes (Muon's iterations) is not
counted.
"""

from workbench.models.config import DECODER
from workbench.models.counts import count, forward_flops_by_group
from workbench.training.config import RunConfig
from workbench.training.horizon import Horizon


def flops_executed(config: RunConfig, horizon: Horizon) -> float:
    """C of the horizon, where every token goes forward and back once, and the passes beyond that.

    adversarial       one pass more at the moved embeddings; `pgd` also one for each step after the first, whose way
                      back goes to the inputs alone: half of it, but for attention, all of whose operands are inputs
    recomputation     the blocks' forward once more for every way back, whole (torch stops it at the last tensor it
                      needs, and so mostly leaves out a block's last product)
    sam               all of it twice
    """
    train = config.train
    if config.model.architecture != DECODER:
        return float(horizon.tokens) * count(config.model).flops_per_token_training * (2 if train.sam_radius else 1)
    groups = forward_flops_by_group(config.model)
    forward = sum(groups.values())
    again = forward - groups["head"] if config.execution.activation_checkpointing else 0
    full, to_inputs = 3 * forward + again, 2 * forward + groups["attention_scores"] + again
    per_token = {
        "none": full,
        "fgm": 2 * full,
        "pgd": 2 * full + (train.adversarial_steps - 1) * to_inputs,
    }[train.adversarial]
    return float(horizon.tokens) * per_token * (2 if train.sam_radius else 1)
