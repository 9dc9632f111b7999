"""Which runs can be trained as one batched model: those of one shape that differ in seeds, rates and schedules.

Free of torch.
"""

import json

from workbench.models.config import DECODER
from workbench.training.config import RunConfig
from workbench.training.horizon import Horizon
from workbench.training.identity import RESOLVED

OWN = RESOLVED | {"schedule", "final_rate_fraction"}
"""Fields of `TrainConfig` that each member of a pack has for itself; of the horizon, the rates."""


def pack_key(config: RunConfig, horizon: Horizon) -> str | None:
    """The same for runs that can be packed together; None for a run that has to train alone."""
    train, execution = config.train, config.execution
    alone = (
        config.model.architecture != DECODER  # what it keeps and how it draws is its own business
        or config.model.dropout  # its masks are drawn for one model at a time
        or train.sam_radius
        or train.adversarial != "none"  # both go through the model more than once a step
        or train.precision == "fp16"  # the loss scale would skip everyone's step
        or execution.micro_batch is not None
        or execution.noise_scale
        or execution.compile
        or execution.activation_checkpointing
        or execution.chunked_loss
    )
    if alone:
        return None
    document = {
        "corpus": config.corpus.model_dump(mode="json"),
        "model": config.model.model_dump(mode="json"),
        "train": train.model_dump(mode="json", exclude=OWN),
        "execution": execution.model_dump(mode="json"),
        "horizon": [horizon.steps, horizon.batch_windows],
    }
    return json.dumps(document, sort_keys=True)
