"""The laws as a reader meets them: one entry each for the command line, and the tables of docs/laws.md."""

from typing import Any

from workbench.fitting.laws import LAWS
from workbench.fitting.laws.base import Law

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
    """A line a law, for a terminal."""
    width = max(len(name) for name in LAWS)
    return "\n".join(f"{name:<{width}}  {law.formula}" for name, law in LAWS.items())


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
