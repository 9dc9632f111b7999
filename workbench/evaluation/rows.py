"""What a probe takes and gives: settings that are checked, and rows of the store's `evals` table."""

from dataclasses import dataclass
from typing import Self

from pydantic import BaseModel, ConfigDict

from workbench.corpus.config import CorpusConfig
from workbench.evaluation.held_out import Estimate
from workbench.models.config import ModelConfig


class ProbeSettings(BaseModel):
    """Settings of a probe: frozen, strict about unknown keys."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    def resolved(self, corpus: CorpusConfig) -> Self:  # noqa: ARG002
        """The settings with what they leave to the run's corpus written out; this is what is hashed and recorded."""
        return self

    def check(self, model: ModelConfig) -> None:
        """Refuse, with `BadInput`, a model that cannot be measured."""


@dataclass(frozen=True)
class Row:
    """One measurement."""

    metric: str
    key: str
    """Where: a position, a number of digits; empty for one number."""
    value: float
    se: float
    """Standard error; NaN when there is none."""
    n: int
    """Independent samples (windows, items) it averages."""

    @classmethod
    def of(cls, metric: str, estimate: Estimate, key: str = "") -> "Row":
        """A row from an estimate."""
        return cls(metric, key, estimate.value, estimate.se, estimate.n)
