"""What plotly writes as text and colours, as matplotlib takes them: subscripts, line breaks, `rgba(…)`, arrays."""

import base64
import html
import re
from functools import lru_cache
from typing import Any

import numpy as np
from matplotlib.colors import LinearSegmentedColormap, to_rgba

RGBA = tuple[float, float, float, float]

_RGB = re.compile(r"rgba?\(([^)]*)\)")
_RAISED = re.compile(r"<(sub|sup)>(.*?)</\1>")
_TAG = re.compile(r"</?(?:b|i|em|strong|span|a)\b[^>]*>")


def text(source: Any) -> str:
    """Plotly's little markup: <sub>, <sup> and <br>; any other tag is dropped, and no dollar sign opens a formula."""
    quiet = _TAG.sub("", str(source or "")).replace("$", r"\$")
    broken = re.sub(r"<br\s*/?>", "\n", quiet)
    raised = _RAISED.sub(lambda m: f"$_{{\\mathdefault{{{m[2]}}}}}$" if m[1] == "sub" else f"$^{{{m[2]}}}$", broken)
    return html.unescape(raised).strip()


def color(source: Any, opacity: float = 1.0) -> RGBA:
    """`#rrggbb`, a name, `rgb(…)` or `rgba(…)`."""
    return _color(str(source), float(opacity))


@lru_cache(maxsize=4096)
def _color(source: str, opacity: float) -> RGBA:
    found = _RGB.fullmatch(source.replace(" ", ""))
    if found is None:
        red, green, blue, alpha = to_rgba(source)
    else:
        parts = [float(part) for part in found[1].split(",")]
        red, green, blue = (part / 255 for part in parts[:3])
        alpha = parts[3] if len(parts) > 3 else 1.0
    return red, green, blue, alpha * opacity


def scale(stops: list[list[Any]]) -> LinearSegmentedColormap:
    """A colour scale from pairs of position and colour."""
    return LinearSegmentedColormap.from_list("scale", [(float(at), color(shade)) for at, shade in stops], N=512)


def array(values: Any) -> np.ndarray:
    """A list, or the base64 that plotly writes for a NumPy array."""
    if isinstance(values, dict) and "bdata" in values:
        flat = np.frombuffer(base64.b64decode(values["bdata"]), dtype=np.dtype(values["dtype"]))
        shape = values.get("shape")
        return flat.reshape([int(part) for part in str(shape).split(",")]) if shape else flat
    return np.asarray([] if values is None else values, dtype=None)


def numbers(values: Any) -> np.ndarray:
    """The same as floats; what is missing is NaN."""
    return np.asarray(array(values), dtype=float)


def each(value: Any, many: int) -> list[Any]:
    """One setting of each of `many` points."""
    listed = array(value).tolist() if isinstance(value, list | tuple | dict) else [value] * many
    return (listed * many)[:many] if listed else [None] * many
