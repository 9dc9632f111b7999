"""Does a leap of exact match survive in a continuous metric of the same answers?

A rise is measured by its span: the factor of N (or D, or C) over which 10% to 90% of it is done, which of a sigmoid in
ln N of width w is 81^w, for σ⁻¹(0.9) − σ⁻¹(0.1) = ln 81. A rise whose span is below `LEAP` is a leap. Exact match asks
for every token of an answer at once, so it is about the k-th power of the probability of one and climbs faster; a leap
that is gone where the tokens are looked at one by one was the metric's (Schaeffer et al. 2023, arXiv 2304.15004).
"""

from dataclasses import dataclass

from workbench.analyses.thresholds import AXES, RISE, Fitted
from workbench.fitting.record import Fit
from workbench.reporting import formats

LEAP = 10.0
"""An order of magnitude: from one size of model to what people train next."""

NAMES = {
    "exact_match": "exact match",
    "token_probability": "the probability of a correct token",
    "token_accuracy": "the share of correct tokens",
    "answer_nll": "the surprise per token",
}
"""Metric → what a sentence calls it."""


@dataclass(frozen=True)
class Span:
    """The factor over which 10% to 90% of a rise is done, and the ends of its interval."""

    value: float
    low: float
    high: float

    @property
    def words(self) -> str:
        """The factor with its interval."""
        value, low, high = (formats.number(end) for end in (self.value, self.low, self.high))
        return f"a factor of {value} ({low} to {high})"


def span(fit: Fit) -> Span:
    """Of a fitted curve; without resamples the interval has no ends, which decides nothing."""
    low, high = fit.intervals.get("width", (0.0, float("inf")))
    return Span(RISE ** fit.params["width"], RISE**low, RISE**high)


def sentences(fitted: Fitted, beside: str, x: str = "n") -> list[str]:
    """One for each size of item that both metrics measured: whether the leap survives, and by which numbers."""
    keys = [key for metric, key in fitted if metric == "exact_match" and (beside, key) in fitted]
    return [_sentence(fitted["exact_match", key], fitted[beside, key], key, beside, x) for key in keys]


def _sentence(exact: Fit | str, tokens: Fit | str, key: str, beside: str, x: str) -> str:
    items = f"Items of size {key}: " if key else "All items: "
    for name, fit in (("exact match", exact), (NAMES[beside], tokens)):
        if (reason := _undetermined(fit)) is not None:
            return f"{items}whether a leap survives cannot be said, for the curve of {name} is not determined. {reason}"
    assert isinstance(exact, Fit)
    assert isinstance(tokens, Fit)
    both = (
        f"exact match does 10% to 90% of its rise over {span(exact).words} of {AXES[x].symbol}, {NAMES[beside]} over "
        f"{span(tokens).words}"
    )
    if AXES[x].falls:  # a factor of the loss is no measure of scale
        return f"{items}{both}."
    return f"{items}{verdict(span(exact), span(tokens), beside)} {both[0].upper()}{both[1:]}."


def _undetermined(fit: Fit | str) -> str | None:
    if isinstance(fit, str):
        return f"{fit[0].upper()}{fit[1:]}"
    return None if fit.identified else " ".join(fit.notes)


def verdict(exact: Span, tokens: Span, beside: str) -> str:
    """What the two spans say, their intervals taken into account, as a sentence that goes on after a colon."""
    if exact.low >= LEAP:
        return "there is no leap to explain; exact match itself climbs gradually."
    if exact.high >= LEAP:
        return "whether exact match leaps at all is open, for its interval reaches to both sides of a factor of 10."
    if tokens.high < LEAP:
        return f"the leap survives; {NAMES[beside]} leaps too."
    if tokens.low >= LEAP:
        return f"the leap does not survive; {NAMES[beside]} climbs gradually."
    return f"whether the leap survives is open, for {NAMES[beside]} may climb over less or more than a factor of 10."
