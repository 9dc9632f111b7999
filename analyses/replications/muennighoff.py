"""Muennighoff et al. 2023 (2305.16264): what repeated tokens are worth, on the 182 runs of their fit.

The table has columns params, tokens, unique_tokens and loss. With E, A, B, α = β of their C4 fit held, two parameters
are left, R_N* and R_D*. Their objective, the sum of Huber losses (δ = 1e-3) of ln L, is laid out here on a dense grid:
the published pair lies in a long curved valley and is not its lowest point.
"""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from workbench.analyses.replications import estimates
from workbench.analyses.replications.estimates import Estimate
from workbench.fitting import Fit, fit, read_table
from workbench.fitting.laws import LAWS
from workbench.fitting.laws.base import Array
from workbench.fitting.solving.objectives import objective_named
from workbench.reporting import theme
from workbench.reporting.document import Column, Figure, Report, Section, Table, Text

C4 = {
    "E": float(np.exp(0.6254804)), "A": float(np.exp(6.255414)), "B": float(np.exp(7.3049974)),
    "alpha": 0.3526596, "beta": 0.3526596,
}  # fmt: skip
"""Their constants for C4, fitted to runs without repetition, and held."""

PUBLISHED = {"R_N": 5.309743, "R_D": 15.387756}
OBJECTIVE, R_SQUARED, WITHOUT = 0.01582594, 0.7722, 0.4452
"""Their objective and R² of the loss, and the R² of the law in which a repeated token is worth a new one."""

FLAT = 0.002
"""Pairs within this share of the least objective are as good, for any purpose."""

GRID = 240
"""Values of each of the two on the grid, evenly in their logarithms."""


def analyse(path: Path, resamples: int = 1000, seed: int = 0) -> Report:
    """Their pair, the optimum, and how far the two can move before the objective notices."""
    runs = read_table(path, {"n": "params", "d": "tokens", "u": "unique_tokens", "loss": "loss"})
    found = fit(runs, "data-constrained", fixed=C4, resamples=resamples, seed=seed)
    columns = {name: runs[name].to_numpy(dtype=np.float64) for name in ("n", "d", "u")}
    loss_M = runs["loss"].to_numpy(dtype=np.float64)
    rn_G, rd_G = np.geomspace(0.3, 30, GRID), np.geomspace(2, 2000, GRID)
    objective_GG = np.array([[_objective(columns, loss_M, rn, rd) for rd in rd_G] for rn in rn_G])
    theirs = _objective(columns, loss_M, **{key: PUBLISHED[name] for key, name in (("rn", "R_N"), ("rd", "R_D"))})
    flat_GG = objective_GG <= found.objective_value * (1 + FLAT)
    spans = {"R_N": rn_G[flat_GG.any(axis=1)], "R_D": rd_G[flat_GG.any(axis=0)]}
    fits = _goodness(columns, loss_M, found, theirs)
    checked = [
        Estimate("objective at their pair", OBJECTIVE, OBJECTIVE - 5e-9, OBJECTIVE + 5e-9, "printed digits", theirs),
        Estimate("R² at their pair", R_SQUARED, R_SQUARED - 5e-5, R_SQUARED + 5e-5, "printed digits", fits[1]["r2"]),
        Estimate("R² without decay", WITHOUT, WITHOUT - 5e-5, WITHOUT + 5e-5, "printed digits", fits[2]["r2"]),
        *(_parameter(found, name) for name in PUBLISHED),
    ]
    summary = (
        estimates.verdict(checked, "Muennighoff et al."),
        "The published pair is not reproduced, for it is not the optimum of its own objective: "
        f"R_N* = {found.params['R_N']:.3g} and R_D* = {found.params['R_D']:.3g} lower it by "
        f"{100 * (theirs / found.objective_value - 1):.2g}% and raise R² from {fits[1]['r2']:.4f} to "
        f"{fits[0]['r2']:.4f}.",
        f"Within {100 * FLAT:g}% of the least objective R_N* runs from {spans['R_N'][0]:.2g} to {spans['R_N'][-1]:.2g} "
        f"and R_D* from {spans['R_D'][0]:.3g} to {spans['R_D'][-1]:.3g}: these runs do not determine R_D*.",
    )
    data = {
        "fit": found.to_dict(),
        "estimates": estimates.frame(checked).to_dict("records"),
        "spans": {name: [float(span[0]), float(span[-1])] for name, span in spans.items()},
    }
    goodness = Table.of("goodness", "Three laws on the same 182 runs", pd.DataFrame(fits), GOODNESS)
    sections = (
        Section(
            "Their estimates",
            (
                estimates.table("estimates", "Published and here", checked, 8),
                goodness,
            ),
        ),
        Section("The valley", (_figure(rn_G, rd_G, objective_GG, found), Text(" ".join(found.notes)))),
    )
    return Report("Muennighoff et al. 2023, replicated", summary, sections, data)


GOODNESS = (
    Column("law", "law"),
    Column("R_N", "R_N*", "number4"),
    Column("R_D", "R_D*", "number4"),
    Column("objective", "Σ Huber", "number8"),
    Column("r2", "R²", "number4"),
)


def _objective(columns: dict[str, Array], loss_M: Array, rn: float, rd: float) -> float:
    predicted_M = LAWS["data-constrained"].predict(C4 | {"R_N": rn, "R_D": rd}, **columns)
    r_1M = np.log(loss_M / predicted_M)[None]
    return float(objective_named("huber", 1e-3).value(r_1M, np.ones_like(r_1M))[0])


def _goodness(columns: dict[str, Array], loss_M: Array, found: Fit, theirs: float) -> list[dict[str, Any]]:
    """Objective and R² of the loss at our pair, at theirs, and with no decay of what repetition is worth."""
    plain = LAWS["chinchilla"].predict(C4, n=columns["n"], d=columns["d"])
    r_1M = np.log(loss_M / plain)[None]
    undecayed = float(objective_named("huber", 1e-3).value(r_1M, np.ones_like(r_1M))[0])
    law = LAWS["data-constrained"]
    return [
        {"law": "least sum of Huber losses", **{name: found.params[name] for name in PUBLISHED},
         "objective": found.objective_value, "r2": _r2(loss_M, law.predict(found.params, **columns))},
        {"law": "as published", **PUBLISHED, "objective": theirs,
         "r2": _r2(loss_M, law.predict(C4 | PUBLISHED, **columns))},
        {"law": "no decay: a token repeated is a token new", "objective": undecayed, "r2": _r2(loss_M, plain)},
    ]  # fmt: skip


def _r2(loss_M: Array, predicted_M: Array) -> float:
    return float(1 - ((loss_M - predicted_M) ** 2).sum() / ((loss_M - loss_M.mean()) ** 2).sum())


def _parameter(found: Fit, name: str) -> Estimate:
    """The paper states no error of its pair: only its printed digits would count as the same."""
    published = PUBLISHED[name]
    slack = 5e-7 * 10 ** np.ceil(np.log10(published))
    return Estimate(
        f"{name}*", published, published - slack, published + slack, "printed digits",
        found.params[name], *found.interval(name),
    )  # fmt: skip


def _figure(rn_G: Array, rd_G: Array, objective_GG: Array, found: Fit) -> Figure:
    """The objective above its least, in percent, with both pairs."""
    above = 100 * (objective_GG / found.objective_value - 1)
    figure = theme.blank(460)
    levels = {"start": 0.0, "end": 2.0, "size": 0.2}
    figure.add_trace(
        go.Contour(
            x=rd_G, y=rn_G, z=np.minimum(above, 2.5), contours=levels, colorscale="Blues", reversescale=True,
            line={"width": 0.5}, colorbar={"title": "% above"},
        )
    )  # fmt: skip
    for name, pair, symbol in (("as published", PUBLISHED, "x"), ("lowest", found.params, "star")):
        marker = {"size": 13, "symbol": symbol, "color": theme.INK}
        figure.add_trace(
            go.Scatter(x=[pair["R_D"]], y=[pair["R_N"]], mode="markers+text", text=[name], textposition="top right",
                       marker=marker, showlegend=False)
        )  # fmt: skip
    figure.update_xaxes(type="log", title="R_D*: what repeated tokens are worth")
    figure.update_yaxes(type="log", title="R_N*: what excess parameters are worth")
    caption = "Their objective over the two parameters, in percent above its least; the colour is cut off at 2.5%."
    drawn = pd.DataFrame(
        {"R_N": np.repeat(rn_G[::8], len(rd_G[::8])), "R_D": np.tile(rd_G[::8], len(rn_G[::8])),
         "percent_above": above[::8, ::8].ravel()}
    )  # fmt: skip
    return Figure("valley", caption, figure, drawn)
