"""What a field of a drawn design may be: a range of numbers. Free of torch."""

import math
from typing import Self

from pydantic import Field, model_validator

from workbench.training.config import Frozen


class Range(Frozen):
    """Numbers from `low` to `high`, both included; whole numbers where the field is one."""

    low: int | float
    """Smallest."""
    high: int | float
    """Largest."""
    log: bool = False
    """Drawn evenly in the logarithm: as many between 1 and 10 as between 10 and 100."""
    step: int | float | None = Field(default=None, gt=0)
    """Multiples of this alone, such as 8 for a width."""

    @model_validator(mode="after")
    def _is_a_range(self) -> Self:
        if not self.low < self.high:
            raise ValueError(f"low = {self.low:g} is not below high = {self.high:g}; give two different numbers")
        if self.log and self.low <= 0:
            raise ValueError(f"low = {self.low:g} with log = true; the logarithm needs numbers above 0")
        if self.step is not None and self._multiples(self.step)[0] >= self._multiples(self.step)[1]:
            raise ValueError(
                f"step = {self.step:g} has fewer than two multiples from {self.low:g} to {self.high:g}; give a "
                "smaller one"
            )
        return self

    def at(self, share: float, whole: bool) -> int | float:
        """The value at a share of the range, 0 to 1: a multiple of the step, or a whole number, has what is nearest.

        Other numbers have six digits, enough for any field, and the same on every machine.
        """
        step = self.step or (1 if whole else None)
        if step is None:
            return float(f"{self._between(self.low, self.high, share):.6g}")
        first, last = self._multiples(step)
        most = max(first - 0.5, first / 2) if self.log else first - 0.5  # above 0, where a logarithm is taken
        number = min(max(round(self._between(most, last + 0.5, share)), first), last)
        return round(number * step) if whole else float(f"{number * step:.12g}")

    def _between(self, low: float, high: float, share: float) -> float:
        return low * (high / low) ** share if self.log else low + share * (high - low)

    def _multiples(self, step: float) -> tuple[int, int]:
        """The first and the last multiple of a step, in steps; with a logarithm, above 0."""
        first, last = math.ceil(self.low / step - 1e-9), math.floor(self.high / step + 1e-9)
        return max(first, 1) if self.log else first, last
