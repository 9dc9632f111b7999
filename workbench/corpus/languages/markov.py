"""An order-k Markov source: the last k symbols decide the odds of the next.

The rows form a hierarchy (MacKay & Peto 1995, "A hierarchical Dirichlet language model"): the row of a context is a
Dirichlet draw around the row of the context one shorter, and the shortest around a Zipfian base. Frequent symbols are
learnt first, then pairs, then triples, as in text; the number of contexts, V^k, is what a model's size and data must
grow into.
"""

from typing import Self

import numpy as np
from pydantic import Field, model_validator

from workbench.corpus.languages.language import MAX_SYMBOLS, Language, LanguageSettings, zipf
from workbench.corpus.languages.machine import Machine

MAX_TABLE = 2**22
FLOOR = 1e-3  # share of the parent's row in every row, so that no symbol is impossible and the chain is irreducible


class MarkovSettings(LanguageSettings):
    """Size: `vocabulary` ** `order` contexts."""

    vocabulary: int = Field(32, ge=2, le=MAX_SYMBOLS)
    """V, the number of symbols."""
    order: int = Field(2, ge=1)
    """k, how many symbols back the odds depend on."""
    concentration: float = Field(8.0, gt=0)
    """Of the Dirichlet draws: small makes the rows of longer contexts differ much from those of shorter ones."""
    zipf: float = Field(1.0, ge=0)
    """Exponent of the base distribution; 0 is uniform."""

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if self.order > 22 or self.vocabulary ** (self.order + 1) > MAX_TABLE:
            raise ValueError(
                f"vocabulary = {self.vocabulary} with order = {self.order} "
                f"needs a table of {self.vocabulary}^{self.order + 1} probabilities, at most {MAX_TABLE} would be right"
            )
        return self


class Markov(Language):
    """Order-k Markov; entropies in closed form."""

    def __init__(self, settings: MarkovSettings) -> None:
        v, k = settings.vocabulary, settings.order
        rng = np.random.default_rng([settings.seed, 0])
        row_CV = np.array([zipf(v, settings.zipf)])
        for _ in range(k):
            # Contexts are numbered oldest symbol first: the one-shorter context of c is c mod V^(k−1).
            parent_CV = np.tile(row_CV, (v, 1)) if row_CV.shape[0] > 1 else np.repeat(row_CV, v, axis=0)
            gamma_CV = rng.gamma(settings.concentration * parent_CV) + 1e-300
            row_CV = (1 - FLOOR) * gamma_CV / gamma_CV.sum(1, keepdims=True) + FLOOR * parent_CV
        context_E, symbol_E = np.divmod(np.arange(v ** (k + 1)), v)
        target_E = (context_E * v + symbol_E) % v**k
        super().__init__("markov", settings, Machine.from_edges(v**k, v, context_E, symbol_E, target_E, row_CV.ravel()))
        self.order = k

    def window_bracket(self, context: int) -> tuple[float, float]:
        """Exact: for t < k, H(X_t | X_0 … X_{t−1}) is a difference of block entropies of the stationary k symbols;
        from t = k on, the rate."""
        if context < 1:
            return super().window_bracket(context)
        v, k = self.machine.n_symbols, self.order
        block_C = self.machine.stationary_S
        entropy_B = [float(-(p := block_C.reshape(v**length, -1).sum(1)) @ np.log(p)) for length in range(1, k + 1)]
        early = [entropy_B[t] - entropy_B[t - 1] for t in range(1, min(k, context + 1))]
        exact = (sum(early) + (context - len(early)) * self.entropy_rate()) / context
        return exact, exact
