"""A general hidden Markov source: the state moves by itself, and its symbols never reveal it for certain.

Its entropy rate has no closed form. It is bracketed from both sides; the family is chosen so that the bracket closes:
every state can follow every other with at least `mixing` / S, so a belief forgets its past by the factor (1 − mixing)
a step or faster.
"""

import numpy as np
from pydantic import Field

from workbench.corpus.languages.language import MAX_SYMBOLS, Language, LanguageSettings
from workbench.corpus.languages.machine import Machine


class HiddenSettings(LanguageSettings):
    """Size: `states`."""

    states: int = Field(3, ge=1, le=64)
    """S, the number of hidden states."""
    vocabulary: int = Field(8, ge=2, le=MAX_SYMBOLS)
    """V, the number of symbols."""
    concentration: float = Field(1.0, gt=0)
    """Of the Dirichlet draws of transitions and emissions: small makes states more distinct and the source more
    predictable."""
    mixing: float = Field(0.4, ge=0, le=1)
    """Share of a uniform jump in every transition: at 1 the symbols are independent, towards 0 the bracket closes
    slowly or not at all."""


class Hidden(Language):
    """Emission at the state that is left, then a transition: P(symbol, next | state) = emission · transition."""

    def __init__(self, settings: HiddenSettings) -> None:
        s, v = settings.states, settings.vocabulary
        rng = np.random.default_rng([settings.seed, 0])
        emit_SV = rng.dirichlet(np.full(v, settings.concentration), s)
        move_SS = (1 - settings.mixing) * rng.dirichlet(np.full(s, settings.concentration), s) + settings.mixing / s
        prob_SVS = emit_SV[:, :, None] * move_SS[:, None, :]
        source_E, symbol_E, target_E = (index.ravel() for index in np.indices(prob_SVS.shape))
        super().__init__("hmm", settings, Machine.from_edges(s, v, source_E, symbol_E, target_E, prob_SVS.ravel()))
