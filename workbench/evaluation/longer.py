"""The held-out loss beyond the trained context, with RoPE as it was and interpolated in each of the ways.

Every reading is of the same tokens: windows of the longest context, cut into shorter ones where the context is shorter.
Shapes: W windows of the longest context, T tokens of one.
"""

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from workbench.corpus.batches import gather, validation_windows
from workbench.corpus.shards import Corpus
from workbench.errors import BadInput
from workbench.evaluation.held_out import mean, token_losses
from workbench.evaluation.rows import ProbeSettings, Row
from workbench.models.build import Model, build_model
from workbench.models.config import DECODER, ModelConfig

MULTIPLES = (1, 2, 4)
"""Contexts measured, over the trained one."""

SCALINGS = ("none", "linear", "ntk", "yarn")
"""What is done to the frequencies. LongRoPE is left out: its factors are the outcome of a search."""


class LongerSettings(ProbeSettings):
    """Settings of `longer-context`."""

    windows: int = Field(default=128, gt=0)
    """Held-out windows of four times the trained context at most, spaced evenly."""

    def check(self, model: ModelConfig) -> None:
        """Only RoPE that was not scaled in training can be interpolated."""
        if model.architecture != DECODER or model.position != "rope" or model.rope_scaling != "none":
            raise BadInput(
                f"probe longer-context: model.architecture = {model.architecture!r}, model.position = "
                f"{model.position!r}, model.rope_scaling = {model.rope_scaling!r}: "
                "it measures decoders trained with position rope and rope_scaling none"
            )


def longer_context(model: Model, corpus: Corpus, settings: LongerSettings) -> list[Row]:
    """Rows with keys like `yarn@4`: `loss` in nats per token, and `rise` over the trained context, both over windows.

    The rise is paired, token by token the same text, so that its error is smaller than that of either loss. At the
    trained context nothing is scaled.
    """
    settings.check(model.config)
    longest = MULTIPLES[-1] * model.config.context
    windows_W = validation_windows(len(corpus.validation), longest, settings.windows)
    ids_WS = gather(corpus.validation, windows_W, longest)  # S = T + 1
    base_W = window_means(model, ids_WS)
    rows = [Row.of("loss", mean(base_W), "none@1")]
    for multiple in MULTIPLES[1:]:
        for scaling in SCALINGS:
            loss_W = window_means(stretched(model, scaling, multiple), ids_WS)
            key = f"{scaling}@{multiple}"
            rows += [Row.of("loss", mean(loss_W), key), Row.of("rise", mean(loss_W - base_W), key)]
    return rows


def stretched(model: Model, scaling: str, multiple: int) -> Model:
    """The same weights at a context `multiple` times as long, the frequencies scaled for it."""
    factor = 1.0 if scaling == "none" else float(multiple)
    changes = {"context": multiple * model.config.context, "rope_scaling": scaling, "rope_factor": factor}
    longer = build_model(ModelConfig.model_validate({**model.config.model_dump(), **changes}), 0)
    longer.load_state_dict(model.state_dict())
    return longer.to(next(model.parameters()).device).eval()


def window_means(model: Model, ids_WS: NDArray[np.int64]) -> NDArray[np.float64]:
    """The mean loss over each long window, read in pieces of the model's own context: nats per token, (W,)."""
    length, context = ids_WS.shape[1] - 1, model.config.context
    starts = range(0, length, context)
    pieces = [token_losses(model, ids_WS[:, start : start + context + 1]) for start in starts]
    means_W: NDArray[np.float64] = np.concatenate(pieces, axis=1).mean(axis=1)
    return means_W
