"""Figures a reader steers: any column of the runs against any other, coloured by a key."""

from collections.abc import Iterator
from dataclasses import dataclass

import pandas as pd
import plotly.graph_objects as go

from workbench.reporting import theme
from workbench.reporting.figures.checks import SYMBOLS
from workbench.reporting.figures.pieces import color_bar


@dataclass(frozen=True)
class Quantity:
    """A column as an axis, a colour or a choice in a list: what it is called, its unit, how its numbers are written."""

    title: str
    style: str = "plain"


QUANTITIES: dict[str, Quantity] = {
    "n_params": Quantity("parameters N", "count"),
    "n_params_non_embedding": Quantity("parameters N without embeddings", "count"),
    "tokens": Quantity("tokens D", "count"),
    "flops": Quantity("compute C [FLOPs]", "power"),
    "seconds": Quantity("time [s]", "count"),
    "step": Quantity("step", "count"),
    "steps": Quantity("steps", "count"),
    "loss": Quantity("held-out loss [nats/token]"),
    "train_loss": Quantity("training loss [nats/token]"),
    "bpb": Quantity("held-out bits per byte"),
    "learning_rate": Quantity("learning rate"),
    "perplexity": Quantity("held-out perplexity"),
    "grad_norm": Quantity("gradient norm before clipping"),
    "noise_scale": Quantity("gradient noise scale [tokens]", "count"),
    "budget": Quantity("budget [FLOPs]", "power"),
    "batch_tokens": Quantity("tokens per step", "count"),
    "rate_factor": Quantity("learning rate, relative to the rule's"),
    "n_layer": Quantity("layers"),
    "d_model": Quantity("width", "count"),
    "role": Quantity("role"),
    "sweep": Quantity("sweep"),
    "status": Quantity("status"),
    "seed_init": Quantity("seed of the weights"),
    "seed_data": Quantity("seed of the batches"),
    "config_id": Quantity("configuration"),
    "schedule": Quantity("schedule"),
    "run_id": Quantity("run"),
}
"""Columns of runs and curves that a figure may show."""

FEW = len(theme.CATEGORIES)
"""More values than these are explained by a colour bar, if they are numbers, instead of a legend."""

ORDERED = 4
"""From so many values on, numbers are shaded along a scale; fewer are told apart by the palette."""


CRISP = 2000
"""Up to so many points are drawn as shapes of the page."""

KEY = "key"
"""Column of the frames inside this module that holds what colours a row."""


def scatter(runs: pd.DataFrame, x: str, y: str, color: str) -> go.Figure:
    """Each run as a point: `x`, `y` and `color` are keys of `QUANTITIES`. Axes are logarithmic."""
    frame = runs.assign(**{KEY: runs[color]}).dropna(subset=[x, y])
    frame = frame[(frame[x] > 0) & (frame[y] > 0)]
    if frame.empty:
        return theme.message("None of these runs has a value for both axes.")
    figure, shaded = theme.blank(480), _shaded(frame)
    groups = list(_groups(frame, color))
    # The one draws crisp shapes, the other many points at once.
    points = go.Scatter if len(frame) <= CRISP else go.Scattergl
    for index, (name, tint, group) in enumerate(groups):
        figure.add_trace(
            points(
                x=group[x].tolist(),
                y=group[y].tolist(),
                mode="markers",
                name=name,
                showlegend=not shaded and len(groups) > 1,
                customdata=group["run_id"].tolist(),
                marker={
                    "size": 9,
                    "color": tint,
                    "symbol": "circle" if shaded else SYMBOLS[index % len(SYMBOLS)],
                    "line": {"color": "white", "width": 0.8},
                },
                hovertemplate="%{customdata}<br>%{x:.4s}, %{y:.4g}<br>" + f"{_plain(color)} {name}<extra></extra>",
            )
        )
    _explain(figure, frame, color)
    figure.update_xaxes(axis(frame[x], x, log=True))
    return figure.update_yaxes(axis(frame[y], y, log=True))


def _shaded(frame: pd.DataFrame, least: int = FEW + 1) -> bool:
    """Whether the key is at least so many positive numbers."""
    values = frame[KEY].dropna()
    return pd.api.types.is_numeric_dtype(values) and values.nunique() >= least and bool((values > 0).all())


def _groups(frame: pd.DataFrame, color: str) -> Iterator[tuple[str, str, pd.DataFrame]]:
    """(name, colour, rows) of each value of the key; rows without one come last."""
    style = QUANTITIES[color].style
    low, high = (float(frame[KEY].min()), float(frame[KEY].max())) if _shaded(frame, ORDERED) else (0.0, 0.0)
    for index, (value, group) in enumerate(frame.groupby(KEY, sort=True)):
        category = theme.CATEGORIES[index % FEW]
        if isinstance(value, str):
            yield value, category, group
        else:
            number = float(str(value))
            yield theme.label(number, style), theme.shade(number, low, high) if high > 0 else category, group
    if frame[KEY].isna().any():
        yield "none", theme.SOFT, frame[frame[KEY].isna()]


def _explain(figure: go.Figure, frame: pd.DataFrame, color: str) -> None:
    """A colour bar for a scale, a titled legend for separate colours."""
    quantity = QUANTITIES[color]
    if _shaded(frame):
        color_bar(figure, [float(frame[KEY].min()), float(frame[KEY].max())], quantity.title, quantity.style)
        figure.update_layout(margin={"t": 24})
    else:
        figure.update_layout(legend={"title": {"text": quantity.title + "  "}})


def quantity(key: str) -> Quantity:
    """A column as a reader knows it; a key of the configuration is called by its name."""
    return QUANTITIES.get(key, Quantity(key))


def axis(values: pd.Series, key: str, log: bool) -> dict[str, object]:
    """Settings of an axis that shows a quantity."""
    kind = quantity(key)
    if log:
        return theme.log_axis(values, kind.title, kind.style)
    return {"title": {"text": kind.title}, "exponentformat": "power" if kind.style == "power" else "SI"}


def _plain(key: str) -> str:
    """The title without its unit."""
    return QUANTITIES[key].title.partition(" [")[0]
