"""A budget as a lab has it: FLOPs, hours of a device, or money, each turned into the others."""

from dataclasses import dataclass
from typing import Annotated

from pydantic import Field

from workbench.analyses.ask import Ask, one_of
from workbench.reporting import formats

UNITS = {"flops": "FLOPs", "hours": "device-hours", "money": "US dollars"}
"""Unit of a budget → what it is called."""

HOUR = 3600.0

POSITIVE = Field(gt=0, allow_inf_nan=False)


class BudgetAsk(Ask):
    """What may be spent, and on what device."""

    unit: Annotated[str, one_of(UNITS)] = "flops"
    amount: Annotated[float, POSITIVE] | None = None
    """In the unit; None: ten times the largest budget of the runs."""
    device_flops: Annotated[float, POSITIVE] = 989e12
    """Peak FLOP/s of one device; 989e12 is an H100's dense bfloat16."""
    utilisation: Annotated[float, Field(gt=0, le=1)] = 0.4
    """Share of the peak that training reaches; an assumption, 0.3 to 0.5 being common."""
    price: Annotated[float, POSITIVE] = 2.0
    """US dollars for an hour of one device; an assumption."""


@dataclass(frozen=True)
class Budget:
    """One amount of compute in all three units."""

    flops: float
    hours: float
    dollars: float

    @classmethod
    def of(cls, ask: BudgetAsk, largest: float) -> "Budget":
        """What is asked; without an amount, ten times the largest budget."""
        an_hour = HOUR * ask.device_flops * ask.utilisation
        if ask.amount is None:
            flops = 10 * largest
        else:
            flops = ask.amount * {"flops": 1.0, "hours": an_hour, "money": an_hour / ask.price}[ask.unit]
        hours = flops / an_hour
        return cls(flops, hours, hours * ask.price)

    def amount(self, unit: str) -> float:
        """The compute in a unit (a key of `UNITS`)."""
        return {"flops": self.flops, "hours": self.hours, "money": self.dollars}[unit]

    def said(self, ask: BudgetAsk) -> str:
        """'10¹⁵ FLOPs'; of hours and money with every assumption named."""
        flops = f"{formats.power(self.flops)} FLOPs"
        if ask.unit == "flops":
            return flops
        hours = f"{formats.number(self.hours)} hours of a device of {formats.power(ask.device_flops)} FLOP/s at "
        hours += f"{formats.percent(ask.utilisation)} of its peak"
        if ask.unit == "hours":
            return f"{hours}, which is {flops}"
        return f"{formats.number(self.dollars)} US dollars at {formats.number(ask.price)} an hour: {hours}, {flops}"
