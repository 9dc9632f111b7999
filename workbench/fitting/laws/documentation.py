"""The laws as a reader meets them: one entry each for the command line, and the tables of docs/laws.md."""

import math
from typing import Any

from workbench.fitting.laws import LAWS
from workbench.fitting.laws.base import Law, Parameter
from workbench.fitting.tables.columns import meaning_of

HOW = {True: "its logarithm", False: "itself"}
"""Whether residuals are of the response's logarithm, in words."""


def entry(law: Law) -> dict[str, Any]:
    """One law as JSON types."""
    return {
        "name": law.name,
        "formula": law.formula,
        "latex": law.latex,
        "source": law.citation,
        "columns": list(law.columns),
        "response": law.response,
        "residual_of": HOW[law.log_response],
        "parameters": [
            {"name": one.name, "meaning": one.meaning, "unit": one.unit, "low": one.low, "high": one.high}
            for one in law.parameters
        ],
    }


def listing() -> str:
    """Every law's formula, and below it its source, for a terminal."""
    width = max(len(name) for name in LAWS)
    return "\n".join(f"{name:<{width}}  {law.formula}\n{'':<{width}}    {law.citation}" for name, law in LAWS.items())


def page(law: Law) -> str:
    """One law in full, for a terminal: formula, source, what it reads, each parameter with its unit and bounds."""
    width = max(len(one.name) for one in law.parameters)
    reads = ", ".join(f"{name} ({meaning_of(name).meaning})" for name in law.columns)
    lines = [
        f"{law.name}: {law.formula}",
        f"Source: {law.citation}",
        "",
        f"Predicts {law.response} from {reads}; residuals are of {HOW[law.log_response]}.",
        "Parameters:",
        *(f"  {one.name:<{width}}  {one.meaning} [{one.unit}]{_bounds(one)}" for one in law.parameters),
    ]
    numbers = [f"{name} = {value}" for name, value in law.setting.items() if isinstance(value, int)]
    if numbers:
        lines.append(f"Settings (--set NAME=NUMBER): {', '.join(numbers)}")
    lines += ["", f"LaTeX: {law.latex}", f"Fitted by: workbench fit SOURCE --law {law.name}", "Read on: docs/laws.md"]
    return "\n".join(lines)


def _bounds(one: Parameter) -> str:
    """', 0.01 to 2.5': where a parameter may lie, if that says more than that it is positive."""
    if math.isfinite(one.low) and math.isfinite(one.high):
        return f", {one.low:g} to {one.high:g}"
    return f", from {one.low:g}" if math.isfinite(one.low) and one.low > 0 else ""


def documentation() -> str:
    """The part of docs/laws.md that follows from the code."""
    lines = ["## Every law", "", "| law | formula | reads | predicts | source |", "|---|---|---|---|---|"]
    for law in LAWS.values():
        reads = ", ".join(f"`{name}`" for name in law.columns)
        lines.append(f"| `{law.name}` | {_code(law.formula)} | {reads} | `{law.response}` | {law.citation} |")
    lines += ["", "## Every parameter", ""]
    for law in LAWS.values():
        parameters = "; ".join(f"`{one.name}` {one.meaning} [{one.unit}]" for one in law.parameters)
        lines.append(f"- `{law.name}`: {parameters}.")
    return "\n".join(lines) + "\n"


def _code(formula: str) -> str:
    return f"`{formula.replace('|', chr(92) + '|')}`"
