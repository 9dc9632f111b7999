"""The held-out loss at every position of the context: how much a model gains from having read more of the window."""

from pydantic import Field

from workbench.corpus.shards import Corpus
from workbench.evaluation.held_out import held_out_losses, mean
from workbench.evaluation.rows import ProbeSettings, Row
from workbench.models.build import Model


class PositionSettings(ProbeSettings):
    """Settings of `loss-by-position`."""

    windows: int = Field(default=256, gt=0)
    """Held-out windows at most, spaced evenly."""


def loss_by_position(model: Model, corpus: Corpus, settings: PositionSettings) -> list[Row]:
    """Rows: `loss` in nats per token for each position; key k is the prediction made after reading k + 1 tokens."""
    nll_WT = held_out_losses(model, corpus, settings.windows).nll_WT
    return [Row.of("loss", mean(nll_W), str(k)) for k, nll_W in enumerate(nll_WT.T)]
