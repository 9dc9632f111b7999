"""A unifilar hidden Markov source: the next state is a function of the state and the symbol.

Who knows the state knows it for ever, so the entropy rate is Σ_s π_s H(symbol | s), exactly (Shalizi & Crutchfield
2001). A window begins without knowing it, and what it costs to find out is computed from beliefs.
"""

from typing import Self

import numpy as np
from pydantic import Field, model_validator

from workbench.corpus.languages.language import MAX_SYMBOLS, Language, LanguageSettings, zipf
from workbench.corpus.languages.machine import Machine


class UnifilarSettings(LanguageSettings):
    """Size: `states`."""

    states: int = Field(64, ge=1, le=4096)
    """S, the number of hidden states."""
    vocabulary: int = Field(32, ge=2, le=MAX_SYMBOLS)
    """V, the number of symbols."""
    branching: int = Field(6, ge=2)
    """Symbols possible in a state. The fewer of the vocabulary, the sooner a few symbols give the state away."""
    zipf: float = Field(1.0, ge=0)
    """Exponent of the odds of a state's symbols; states differ, from half of it to one and a half."""

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if self.branching > self.vocabulary:
            raise ValueError(
                f"branching = {self.branching} is above vocabulary = {self.vocabulary}; "
                "at most the vocabulary would be right"
            )
        return self


class Unifilar(Language):
    """Each state has Zipfian odds over its own symbols; each symbol leads to a fixed next state.

    One symbol of every state leads to the next state of a ring, which makes the machine irreducible.
    """

    def __init__(self, settings: UnifilarSettings) -> None:
        s, b = settings.states, settings.branching
        rng = np.random.default_rng([settings.seed, 0])
        symbol_SB = np.array([rng.choice(settings.vocabulary, b, replace=False) for _ in range(s)])
        target_SB = rng.integers(0, s, (s, b))
        target_SB[:, 1] = (np.arange(s) + 1) % s
        prob_SB = np.array([zipf(b, settings.zipf * share) for share in rng.uniform(0.5, 1.5, s)])
        source_SB = np.repeat(np.arange(s)[:, None], b, axis=1)
        edges = (source_SB.ravel(), symbol_SB.ravel(), target_SB.ravel(), prob_SB.ravel())
        super().__init__("unifilar-hmm", settings, Machine.from_edges(s, settings.vocabulary, *edges))
