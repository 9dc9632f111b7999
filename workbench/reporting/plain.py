"""Values as JSON types, at full precision: NumPy unwrapped, times as ISO text, what is not finite as null."""

import datetime
import math
from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd


def plain(value: Any) -> Any:
    """`value` as JSON types."""
    if value is None or isinstance(value, str | bool | int):
        return value
    if isinstance(value, float):
        return float(value) if math.isfinite(value) else None
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    if isinstance(value, pd.DataFrame):
        return records(value)
    if isinstance(value, np.ndarray | pd.Series | pd.Index):
        return [plain(item) for item in value.tolist()]
    if isinstance(value, np.generic):
        return plain(value.item())
    if value is pd.NA or value is pd.NaT:
        return None
    if isinstance(value, datetime.datetime | datetime.date):
        return value.isoformat()
    return str(value)


def records(frame: pd.DataFrame) -> list[dict[str, Any]]:
    """The rows of a table as a list of dicts of JSON types."""
    columns = [str(column) for column in frame.columns]
    return [dict(zip(columns, (plain(item) for item in row), strict=True)) for row in frame.itertuples(index=False)]
