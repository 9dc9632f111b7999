"""How a number is written for a reader: powers of ten as 1.3×10¹², counts as 45.1k, intervals beside their value."""

import math
from collections.abc import Sequence
from typing import Any

SUPERSCRIPTS = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")
COUNT_UNITS = ((1e12, "T"), (1e9, "B"), (1e6, "M"), (1e3, "k"))
SIZE_UNITS = ((1e15, "PB"), (1e12, "TB"), (1e9, "GB"), (1e6, "MB"), (1e3, "kB"))
MISSING = "–"


def number(value: float, digits: int = 3) -> str:
    """To so many significant digits, trailing zeros kept: 0.510, 3.77."""
    if not math.isfinite(value):
        return MISSING
    if value == 0:
        return "0"
    exponent = math.floor(math.log10(abs(float(f"{value:.{digits - 1}e}"))))
    if -4 <= exponent < 6:
        return f"{value:.{max(digits - 1 - exponent, 0)}f}"
    return power(value, digits)


def power(value: float, digits: int = 3) -> str:
    """In scientific notation with real superscripts: 3.16×10¹¹; an exact power of ten is 10¹¹."""
    if not math.isfinite(value):
        return MISSING
    if value == 0:
        return "0"
    mantissa, exponent = f"{value:.{digits - 1}e}".split("e")
    raised = f"10{str(int(exponent)).translate(SUPERSCRIPTS)}"
    plain_mantissa = mantissa.rstrip("0").rstrip(".") if "." in mantissa else mantissa
    return raised if plain_mantissa == "1" else f"{plain_mantissa}×{raised}"


def count(value: float, digits: int = 3) -> str:
    """Parameters and tokens: 45.1k, 1.07M, 13.0B."""
    if not math.isfinite(value):
        return MISSING
    rounded = float(f"{value:.{digits - 1}e}")
    if abs(rounded) >= 1e15:
        return power(value, digits)
    for size, unit in COUNT_UNITS:
        if abs(rounded) >= size:
            return f"{number(value / size, digits)}{unit}"
    return f"{value:.0f}" if float(value).is_integer() or abs(value) >= 100 else number(value, digits)


def seconds(value: float) -> str:
    """A duration: 0.8 s, 42 s, 3 min 20 s, 2 h 05 min."""
    if not math.isfinite(value):
        return MISSING
    if value < 10:
        return f"{value:.1f} s"
    whole = round(value)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02d} s"
    minutes = round(value / 60)
    return f"{minutes // 60} h {minutes % 60:02d} min"


def size(value: float) -> str:
    """Bytes in units of a thousand: 512 bytes, 36.9 kB, 16.2 GB."""
    if not math.isfinite(value):
        return MISSING
    rounded = float(f"{value:.2e}")
    unit, name = next(((unit, name) for unit, name in SIZE_UNITS if rounded >= unit), (1.0, "bytes"))
    return f"{number(value / unit)} {name}" if unit > 1 else f"{value:.0f} {name}"


def percent(value: float) -> str:
    """A share as percent: 0.0123 → 1.23%."""
    return f"{number(100 * value, 3)}%" if math.isfinite(value) else MISSING


def signed_percent(value: float) -> str:
    """A relative error with its sign: +0.52%."""
    return f"{100 * value:+.2f}%" if math.isfinite(value) else MISSING


def show(value: Any, style: str = "text") -> str:
    """`value` in one of the styles: text, a key of `STYLES`, or interval-<style> for a pair."""
    if value is None:
        return MISSING
    if style.startswith("interval"):
        low, high = value if isinstance(value, Sequence) and not isinstance(value, str) else (None, None)
        inner = style.partition("-")[2] or "number"
        return MISSING if low is None or high is None else f"{show(low, inner)} to {show(high, inner)}"
    if style == "text" or isinstance(value, str | bool):
        return "yes" if value is True else "no" if value is False else str(value)
    return STYLES[style](float(value))


STYLES = {
    "integer": lambda value: f"{value:,.0f}" if math.isfinite(value) else MISSING,
    "number": number,
    "number4": lambda value: number(value, 4),
    "number8": lambda value: number(value, 8),
    "loss": lambda value: f"{value:.3f}" if math.isfinite(value) else MISSING,
    "count": count,
    "power": lambda value: power(value, 3),
    "seconds": seconds,
    "bytes": size,
    "percent": percent,
    "signed": signed_percent,
    "level": lambda value: f"{100 * value:g}%" if math.isfinite(value) else MISSING,
}
"""Style of a column → how its numbers are written."""
