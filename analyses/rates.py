"""Where is the best learning rate, at each width and under each parameterisation? μP says that it stays."""

import json
from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from workbench.analyses.samples import of_sweep
from workbench.errors import BadInput
from workbench.fitting.pricing import Noise, best_over_rates, seed_noise
from workbench.reporting import figures
from workbench.reporting.document import Figure

DRAWS = 2000
"""Redraws of the noise between seeds behind an interval."""


def points(runs: pd.DataFrame, manifest: Mapping[str, Any]) -> pd.DataFrame:
    """parameterisation, width, rate, seed and loss of the sweep's ended runs, infinite of a diverged one."""
    mine = of_sweep(runs, manifest)
    mine = mine[mine["status"].isin(["done", "diverged"])]
    mine = mine.assign(loss=mine["loss"].where(mine["status"] == "done", np.inf))
    if not np.isfinite(mine["loss"]).any():
        raise BadInput(f"sweep {manifest['name']!r}: no run is done; train it first with `workbench sweep run`")
    how = [json.loads(text)["model"].get("parameterisation", "standard") for text in mine["config"]]
    table = mine[["d_model", "learning_rate", "seed_init", "loss"]].assign(parameterisation=how)
    return table.rename(columns={"d_model": "width", "learning_rate": "rate", "seed_init": "seed"})


def optima(table: pd.DataFrame, seed: int = 0, level: float = 0.95) -> pd.DataFrame:
    """The best rate of each width: the vertex of a parabola in ln rate through the best mean loss and its neighbours.

    A rate at which a seed diverged is no candidate, and brackets. A width at which every rate did is left out.
    `low` and `high` are quantiles over redraws of the noise between seeds; `inside` says whether the rates bracket it.
    """
    keys = ["parameterisation", "width", "rate"]
    finite = table[np.isfinite(table["loss"])]
    noise: Noise = seed_noise(finite["loss"].tolist(), finite[keys].astype(str).agg("/".join, axis=1).tolist())
    rng, rows = np.random.default_rng(seed), []
    for (name, width), group in table.groupby(keys[:2], sort=True):
        means = group.groupby("rate")["loss"].agg(["mean", "count"])
        x, y = np.log(means.index.to_numpy(dtype=float)), means["mean"].to_numpy()
        if not np.isfinite(y).any():
            continue
        best = best_over_rates(x.tolist(), y.tolist())
        error = noise.draws(DRAWS, rng)[:, None] / np.sqrt(means["count"].to_numpy())
        shaken = y * np.exp(error * rng.standard_normal((DRAWS, len(y))))
        found = np.exp([best_over_rates(x.tolist(), one.tolist()).log_rate for one in shaken])
        low, high = np.quantile(found, [(1 - level) / 2, (1 + level) / 2])
        rows.append((name, width, float(np.exp(best.log_rate)), low, high, best.loss, best.inside))
    return pd.DataFrame(rows, columns=["parameterisation", "width", "rate", "low", "high", "loss", "inside"])


def figure(table: pd.DataFrame, best: pd.DataFrame) -> Figure:
    """Loss against rate at each width, a panel for each parameterisation."""
    mean = table.groupby(["parameterisation", "width", "rate"])[["loss"]].mean().reset_index()
    mean = mean[np.isfinite(mean["loss"])]
    caption = "Held-out loss against the peak rate at each width, means over seeds; stars are the best rates."
    return Figure("mup-widths", caption, figures.widths(mean, best), mean)
