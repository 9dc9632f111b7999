"""Which numbers say something: the one rule behind every "not determined".

A size, a number of tokens, a compute or an amplitude whose interval spans more than two decades is not determined, nor
is a loss whose interval spans a factor of two, nor an exponent that may lie anywhere in most of its range. What is not
determined has words in place of its estimate, which is where a search came to rest and may be 1e-200. In the JSON of a
forecast it is null; a fit's names it as `undetermined` and keeps it, since a fit read back needs all its parameters.
"""

import math

Interval = tuple[float, float]

UNDETERMINED = "not determined"
"""Stands where the runs leave a number open."""

WIDE = 100.0
"""An interval of N whose ends are further apart than this factor determines nothing: two decades."""

VAGUE = 2.0
"""An interval of a loss whose ends are further apart than this factor says nothing of it: all that training does to a
loss, from the unigram entropy to the best model there is, is hardly more."""


def narrow(ends: Interval, factor: float = WIDE) -> bool:
    """Whether the interval of a size spans two decades or less; one that is unknown speaks against nothing."""
    low, high = ends
    return bool(low == float("inf") or not high > factor * low)


def spanned(ends: Interval) -> str:
    """How far apart the ends of an interval are, in words; the ends themselves may be numbers no model has."""
    low, high = ends
    if not low > 0:
        return "all magnitudes"
    decades = math.log10(high) - math.log10(low)
    return f"{decades:.{1 if decades < 10 else 0}f} decades"
