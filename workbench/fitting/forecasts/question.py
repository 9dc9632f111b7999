"""What may be asked of a forecast."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from workbench.errors import BadInput
from workbench.fitting.forecasts.surface import ALLOCATING


@dataclass(frozen=True)
class Question:
    """What may be asked. Of N, D and C any two give the third; C alone, its optimum; N or D alone, where it is one."""

    computes: Sequence[float] = ()
    sizes: Sequence[float] = ()
    tokens: Sequence[float] = ()
    losses: Sequence[float] = ()
    """Losses to reach: with what compute, size and tokens."""
    depart: Sequence[float] = ()
    """Factors of the optimal size: what each would cost."""
    inference_tokens: float | None = None
    """Tokens served over a model's life."""
    unique_tokens: float | None = None
    """Distinct tokens that there are."""
    multipliers: Sequence[float] = ()
    """Factors of compute: what each is worth."""
    gaps: Sequence[float] = ()
    """Losses in nats: which factor of compute each is worth."""

    def checked(self) -> None:
        """Refuse what is no positive number, and three of N, D and C."""
        options: dict[str, Sequence[float]] = {
            "--compute": self.computes,
            "--n-params": self.sizes,
            "--tokens": self.tokens,
            "--loss": self.losses,
            "--depart": self.depart,
            "--inference-tokens": () if self.inference_tokens is None else (self.inference_tokens,),
            "--unique-tokens": () if self.unique_tokens is None else (self.unique_tokens,),
            "--multiplier": self.multipliers,
            "--gap": self.gaps,
        }
        for name, values in options.items():
            for value in values:
                if not (np.isfinite(value) and value > 0):
                    raise BadInput(f"{name} is {value:g}; it must be a positive number.")
        if self.computes and self.sizes and self.tokens:
            raise BadInput("--n-params, --tokens and --compute are all given; any two of them give the third.")


def checked_law(law: str) -> None:
    """Refuse a law that does not say how compute divides."""
    if law not in ALLOCATING:
        raise BadInput(f"law is '{law}'; a forecast takes a law of N and D: {', '.join(ALLOCATING)}.")
