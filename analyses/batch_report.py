"""The report of critical batches: a figure and two tables for each size, and whether they agree."""

import numpy as np
import pandas as pd

from workbench.analyses.critical_batch import Critical
from workbench.reporting import figures
from workbench.reporting.document import Bullets, Code, Column, Figure, Report, Section, Table, Text

NOISE = (
    Column("loss", "training loss", "number"),
    Column("batch", "B_noise, tokens", "count"),
    Column("low", "from", "count"),
    Column("high", "to", "count"),
    Column("runs", "runs", "integer"),
)

DIRECT = (
    Column("loss", "held-out loss", "number"),
    Column("batch", "B_crit, tokens", "count"),
    Column("low", "from", "count"),
    Column("high", "to", "count"),
    Column("steps", "S_min", "count"),
    Column("tokens", "E_min, tokens", "count"),
)


def frame(found: Critical) -> pd.DataFrame:
    """kind (`noise` or `direct`), loss, batch, low and high: both measurements of a size, one row each."""
    columns = ["kind", "loss", "batch", "low", "high"]
    noise = found.bands.assign(kind="noise")
    rows = [("direct", one.loss, one.batch, one.low, one.high) for one in found.direct]
    tables = [table for table in (noise[columns], pd.DataFrame(rows, columns=columns)) if len(table)]
    return pd.concat(tables, ignore_index=True)


def figure(found: Critical) -> Figure:
    """Steps against tokens, and the critical batch against the loss."""
    trade = [one.table.assign(target=one.loss) for one in found.direct]
    curves = [_hyperbola(one.loss, one.steps, one.tokens, one.table["batch"]) for one in found.direct]
    empty = pd.DataFrame(columns=["target", "steps", "tokens"])
    points = frame(found)
    caption = (
        "Left, measurements of steps and tokens to a loss on their hyperbolas; right, the critical batch they give, "
        "beside the gradient noise scale between its bands."
    )
    drawn = figures.critical_batch(
        pd.concat(trade) if trade else empty, pd.concat(curves) if curves else empty, points, _law(found, points)
    )
    return Figure("critical-batch", caption, drawn, points)


def _hyperbola(loss: float, steps: float, tokens: float, batches: pd.Series) -> pd.DataFrame:
    """(S/S_min − 1)(E/E_min − 1) = 1 over the batches, as S = S_min + E_min/B and E = S·B."""
    batch = np.geomspace(batches.min(), batches.max(), 80)
    return pd.DataFrame({"target": loss, "steps": steps + tokens / batch, "tokens": steps * batch + tokens})


def _law(found: Critical, points: pd.DataFrame) -> pd.DataFrame:
    """The noise scale between its bands, over the losses of the points."""
    losses = np.geomspace(points["loss"].min(), points["loss"].max(), 60)
    rows = [(loss, *at) for loss in losses if (at := found.noise_at(float(loss))) is not None]
    return pd.DataFrame(rows, columns=["loss", "batch", "low", "high"])


def report(name: str, found: tuple[Critical, ...]) -> Report:
    """The document."""
    how = (
        Text(
            "The noise scale is the trace of one token's gradient covariance over the squared norm of the true "
            "gradient, both summed over a band of loss before they are divided. Steps and tokens are read off the "
            "held-out losses of each batch at its best rate."
        ),
        Code(
            "B_noise = tr(Sigma)/|G|^2,  (S/S_min - 1)(E/E_min - 1) = 1,  B_crit = E_min/S_min = B_star/L^(1/alpha_B)"
        ),
    )
    summary = tuple(f"{one.size}: {line}" for one in found for line in one.words())
    sections = tuple(Section(one.size, (figure(one), *_tables(one), Bullets(one.notes))) for one in found)
    return Report(
        f"Critical batches of {name}",
        summary or ("One of the two measurements was made; there is nothing to compare.",),
        (*sections, Section("How they are made", how)),
        {one.size: frame(one).to_dict("records") for one in found},
    )


def _tables(one: Critical) -> tuple[Table, ...]:
    tables = []
    if len(one.bands):
        tables.append(Table.of(f"noise-{one.size}", "By gradient noise", one.bands, NOISE))
    if one.direct:
        rows = [(at.loss, at.batch, at.low, at.high, at.steps, at.tokens) for at in one.direct]
        table = pd.DataFrame(rows, columns=[column.key for column in DIRECT])
        tables.append(Table.of(f"direct-{one.size}", "By steps and tokens to a loss", table, DIRECT))
    return tuple(tables)
