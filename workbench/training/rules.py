"""Batch and learning rate as functions of size and data: ours, published ones, and powers of one's own. Free of torch.

Each published rule is for AdamW and holds where it was fitted, which is above what a laptop trains; a sweep that names
one checks it there, as `rate_factors` do. Constants as the sources below print them; where only the source's own words
or public code could be held against them, the rule says so.
"""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from workbench.errors import BadInput

RuleName = Literal["workbench", "step-law", "deepseek", "kaplan"]
BatchRuleName = Literal["workbench", "step-law", "deepseek"]


class PowerRule(BaseModel):
    """A rule of one's own: constant · N^n · D^d · C^c · B^batch, N being all parameters and C the exact FLOPs."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False, use_attribute_docstrings=True)

    constant: float = Field(gt=0)
    """The rate, or the batch in tokens, where all powers are of one."""
    n: float = 0.0
    """Power of the parameters."""
    d: float = 0.0
    """Power of the tokens."""
    c: float = 0.0
    """Power of the training FLOPs."""
    batch: float = 0.0
    """Power of the batch in tokens; of a rate only."""


@dataclass(frozen=True)
class Facts:
    """What a rule may read of a run."""

    n_params: int
    """All parameters: of the base shape under μP and CompleteP, which carry its rate over."""
    n_params_non_embedding: int
    tokens: float
    flops: float
    """Training FLOPs, exact."""
    flops_without_head: float
    """The same less the head's product."""
    batch_tokens: float = math.nan
    """Tokens per step; known to rules of the rate."""


@dataclass(frozen=True)
class Rule:
    """A formula in words, and in numbers."""

    formula: str
    value: Callable[[Facts], float]


def _kaplan(run: Facts) -> float:
    rate = 0.003239 - 0.0001395 * math.log(run.n_params_non_embedding)
    if rate <= 0:
        raise BadInput(
            f'train.rate_rule = "kaplan": its rate is {rate:.3g} for {run.n_params_non_embedding:,} parameters; it was '
            "made for fewer than 1e10, give another rule"
        )
    return rate


RATE_RULES: Mapping[str, Rule] = {
    # Tuned by the runs in docs/LOG.md for 1e4 to 1e7 parameters; falls slowly with size (N as in `n_params`), and grows
    # as the root of the batch: Malladi et al. 2205.10287.
    "workbench": Rule(
        "0.013 · (N / 1e5)^-0.25 · (B / 512)^0.5",
        lambda run: 0.013 * (run.n_params / 1e5) ** -0.25 * (run.batch_tokens / 512) ** 0.5,
    ),
    # Li et al. 2503.04715, eq. 1, N without embeddings; the constants `fitting.laws.hyperparameters` has.
    "step-law": Rule(
        "1.79 · N^-0.713 · D^0.307, N without embeddings",
        lambda run: 1.79 * run.n_params_non_embedding**-0.713 * run.tokens**0.307,
    ),
    # DeepSeek-AI 2401.02954, section 3.1, eq. 1, fitted over 1e17 to 2e19 FLOPs. Their C leaves out the head: a token
    # has 72·n_layer·d_model² + 12·n_layer·d_model·n_ctx.
    "deepseek": Rule("0.3118 · C^-0.125, C without the head", lambda run: 0.3118 * run.flops_without_head**-0.125),
    # Kaplan et al. 2001.08361, appendix D.6, for batches of half a million tokens; held against public code alone.
    "kaplan": Rule("0.003239 - 0.0001395 · ln N, N without embeddings", _kaplan),
}
"""Name → rule of the peak rate of AdamW."""

BATCH_RULES: Mapping[str, Rule] = {
    # Grows with the horizon, not with the model: Bergsma et al. 2505.13738 find B_opt ∝ D^0.383, Step Law D^0.571.
    "workbench": Rule("512 · (D / 1e6)^0.5", lambda run: 512 * (run.tokens / 1e6) ** 0.5),
    # Li et al. 2503.04715, eq. 1.
    "step-law": Rule("0.58 · D^0.571", lambda run: 0.58 * run.tokens**0.571),
    # DeepSeek-AI 2401.02954, section 3.1, eq. 1, as others quote it; C as for their rate.
    "deepseek": Rule("0.2920 · C^0.3271, C without the head", lambda run: 0.2920 * run.flops_without_head**0.3271),
}
"""Name → rule of the tokens of a step."""


def rule(named: str | PowerRule, rules: Mapping[str, Rule]) -> Rule:
    """The rule of a name, or of powers of one's own."""
    if isinstance(named, str):
        return rules[named]
    powers = {"N": named.n, "D": named.d, "C": named.c, "B": named.batch}
    formula = " · ".join([f"{named.constant:g}", *(f"{name}^{power:g}" for name, power in powers.items() if power)])

    def value(run: Facts) -> float:
        try:
            found = named.constant * run.n_params**named.n * run.tokens**named.d * run.flops**named.c
            found *= run.batch_tokens**named.batch if named.batch else 1.0
        except OverflowError:
            found = math.inf
        if not 0 < found < math.inf:
            raise BadInput(
                f"train: the rule {formula} gives {found:g} for {run.n_params:,} parameters and {run.tokens:g} tokens; "
                "give it powers that make a rate, or a batch in tokens"
            )
        return found

    return Rule(formula, value)
