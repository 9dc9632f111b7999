"""How large a batch is worth its tokens? The critical batch of each size of a sweep, measured in two ways.

By the gradient noise scale B_noise = tr(Σ)/|G|² (McCandlish et al. 1812.06162, equation 2.9), where the runs logged its
two parts. Both are unbiased and their ratio is not, so the parts are summed over a band of training loss, weighted by
tokens, and divided once. All intervals are over whole runs: the runs are drawn again, with all their bands. Through the
bands of single runs goes the power law B_crit(L) = B*/L^(1/α_B) (Kaplan et al. 2001.08361, equation 1.4), as a summary.

And by the steps and tokens to a loss, where one size was trained at several batches: see `steps_to_loss`. The two are
compared between the pooled bands, on no law's word.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd

from workbench.analyses.samples import of_sweep
from workbench.analyses.steps_to_loss import FEWEST, Direct, direct
from workbench.errors import BadInput
from workbench.fitting import fit
from workbench.fitting.laws.base import Array
from workbench.fitting.record import Fit, NotIdentifiable

BANDS = 8
"""Bands of training loss, equally wide in its logarithm."""

FEWEST_ROWS = 4
"""Rows of a curve below which one run's band has too noisy a |G|² for a ratio, and is no part of the law."""

DRAWS = 2000
"""Redraws of runs behind an interval of one band."""

WITHIN = 2.0
"""A factor that two measurements may differ by and still be of one magnitude: the noise scale claims no more
(McCandlish et al., section 2.2)."""


@dataclass(frozen=True)
class Critical:
    """One size, measured."""

    size: str
    bands: pd.DataFrame
    """loss, batch (the pooled noise scale, tokens), low, high, runs, of each band; none where it was not measured."""
    drawn_SB: Array = field(repr=False)
    """The batches of the bands in each redraw of the runs, S draws."""
    level: float
    law: Fit | None
    """B* and α_B through the bands of single runs."""
    direct: tuple[Direct, ...]
    """From steps and tokens to each of some losses; none where no batches were compared."""
    notes: tuple[str, ...]

    def noise_at(self, loss: float) -> tuple[float, float, float] | None:
        """The pooled noise scale at a loss, between the bands linear in logarithms, with its interval; none outside of
        them.
        """
        known = np.flatnonzero(np.isfinite(self.bands["low"]) & np.isfinite(self.bands["batch"]))
        losses = self.bands["loss"].to_numpy()[known]
        if len(known) < 2 or not losses.min() <= loss <= losses.max():
            return None
        with np.errstate(divide="ignore"):
            log_SB = np.log(np.vstack([self.bands["batch"], self.drawn_SB])[:, known])
        at_S = [np.interp(np.log(loss), np.log(losses), log_B) for log_B in log_SB if not np.isnan(log_B).any()]
        at_S = [at if np.isfinite(at) else np.inf for at in at_S]  # between a band and one without an upper end
        low, high = np.quantile(at_S[1:], [(1 - self.level) / 2, (1 + self.level) / 2], method="nearest")
        return float(np.exp(at_S[0])), float(np.exp(low)), float(np.exp(high))

    def words(self) -> tuple[str, ...]:
        """At each loss where both are known: do the two agree?"""
        return tuple(_agreement(one, noise) for one in self.direct if (noise := self.noise_at(one.loss)) is not None)


def critical_batches(
    runs: pd.DataFrame,
    curves: pd.DataFrame,
    manifest: Mapping[str, Any],
    resamples: int = 1000,
    seed: int = 0,
    level: float = 0.95,
) -> tuple[Critical, ...]:
    """Each size of a sweep, from a store's tables `runs` and `curves`. Raises `BadInput` where nothing was measured."""
    name = manifest["name"]
    mine = of_sweep(runs, manifest)
    if not (mine["status"] == "done").any():
        raise BadInput(f"sweep {name!r}: no run is done; train it first with `workbench sweep run`")
    mine = mine[mine["status"].isin(["done", "diverged"])]
    mine = mine.assign(loss=mine["loss"].where(mine["status"] == "done", np.inf))
    sizes = {str(entry["run_id"]): str(entry["size"]) for entry in manifest["runs"] if entry.get("size")}
    named = [sizes.get(run_id, f"{n:,} parameters") for run_id, n in zip(mine["run_id"], mine["n_params"], strict=True)]
    measured_ids = curves.loc[np.isfinite(curves["grad_trace"]), "run_id"].unique()
    for size, group in mine.assign(size=named).groupby("size", sort=False):
        if group["run_id"].isin(measured_ids).any() or group["batch_tokens"].nunique() >= FEWEST:
            _check_alone(f"sweep {name!r}, size {size}", group)
    found = [
        _critical(str(size), group, curves[curves["run_id"].isin(group["run_id"])], resamples, seed, level)
        for size, group in mine.assign(size=named).groupby("size", sort=False)
    ]
    measured = [one for one in found if len(one.bands) or one.direct]
    if not measured:
        raise BadInput(
            f"sweep {name!r}: no run measured the parts of the noise scale and no size has four batches to compare; "
            "set noise_scale = true in [execution], or train.batch_tokens in [axes], as sweeps/critical-batch.toml does"
        )
    return tuple(measured)


def _critical(size: str, runs: pd.DataFrame, curves: pd.DataFrame, resamples: int, seed: int, level: float) -> Critical:
    notes: list[str] = []
    best, inside = best_rates(runs)
    points = _points(best[best["status"] == "done"], curves)
    bands, drawn_SB = _bands(points, seed, level)
    if len(points):
        notes.append(
            f"The best rate lies inside the rates tried at {sum(inside)} of {len(inside)} batches"
            + ("." if all(inside) else ": elsewhere the noise may be that of another rate than one would train with.")
        )
    law: Fit | None = None
    if len(points):
        whole = points[(points["rows"] >= FEWEST_ROWS) & (points["square"] > 0) & (points["trace"] > 0)]
        if len(whole) < len(points):
            notes.append(
                f"{len(points) - len(whole)} of {len(points)} bands of single runs are no part of the law: fewer than "
                f"{FEWEST_ROWS} rows, or no |G|² above 0."
            )
        try:
            law = _law(whole, resamples, seed, level)
            notes += _misses(law, bands)
        except NotIdentifiable as error:
            notes.append(f"No power law: {error}")
    across, said = direct(runs, curves, resamples, seed, level)
    return Critical(size, bands, drawn_SB, level, law, across, (*notes, *said))


def _check_alone(origin: str, runs: pd.DataFrame) -> None:
    """Refuse runs that differ in more than batch, rate and seed."""
    if runs.duplicated(["batch_tokens", "learning_rate", "seed_init", "seed_data"]).any():
        raise BadInput(
            f"{origin}: several runs have the same batch, rate and seeds, so something else varies (levels, variants, "
            "another axis); give a sweep of one horizon in which batches, rates and seeds alone differ"
        )


def best_rates(runs: pd.DataFrame) -> tuple[pd.DataFrame, list[bool]]:
    """Of each batch the runs at the rate of the least mean loss (noise is measured where one would train), and whether
    that rate lies inside those tried."""
    means = runs.groupby(["batch_tokens", "learning_rate"])["loss"].mean().reset_index()
    best = means.loc[means.groupby("batch_tokens")["loss"].idxmin(), ["batch_tokens", "learning_rate"]]
    ends = means.groupby("batch_tokens")["learning_rate"].agg(["min", "max"])
    inside = [
        bool(ends["min"][batch] < rate < ends["max"][batch])
        for batch, rate in zip(best["batch_tokens"], best["learning_rate"], strict=True)
    ]
    return runs.merge(best, on=["batch_tokens", "learning_rate"]), inside


def _points(runs: pd.DataFrame, curves: pd.DataFrame) -> pd.DataFrame:
    """run_id, band, weight, rows, loss, square and trace: sums of each run in each band of loss, after its warm-up."""
    rows = curves.sort_values(["run_id", "step"])
    rows = rows.assign(weight=rows["tokens"] - rows.groupby("run_id")["tokens"].shift(fill_value=0))
    rows = rows.merge(runs[["run_id", "warmup_steps"]], on="run_id")
    rows = rows[(rows["step"] > rows["warmup_steps"]) & np.isfinite(rows["grad_trace"]) & (rows["train_loss"] > 0)]
    columns = {"square": "grad_square", "trace": "grad_trace", "loss": "train_loss"}
    if rows.empty:
        return pd.DataFrame(columns=["run_id", "band", "weight", "rows", *columns])
    log_loss = np.log(rows["train_loss"].to_numpy())
    edges = np.linspace(log_loss.min(), log_loss.max(), BANDS + 1)[1:-1]
    rows = rows.assign(band=np.digitize(log_loss, edges), rows=1)
    rows = rows.assign(**{name: rows[column] * rows["weight"] for name, column in columns.items()})
    sums = rows.groupby(["run_id", "band"])[["weight", "rows", *columns]].sum().reset_index()
    return sums.assign(loss=sums["loss"] / sums["weight"])


def _bands(points: pd.DataFrame, seed: int, level: float) -> tuple[pd.DataFrame, Array]:
    """Each band pooled over runs; its interval by drawing the runs again, all bands of one together (NaN of fewer
    than three); and the bands of each redraw, infinite where no |G|² above 0 is left, NaN where no run has the band.
    """
    columns = ["loss", "batch", "low", "high", "runs"]
    if points.empty:
        return pd.DataFrame(columns=columns), np.empty((DRAWS, 0))
    trace_RB, square_RB = (points.pivot_table(name, "run_id", "band", fill_value=0.0) for name in ("trace", "square"))
    many = len(trace_RB)
    weight_SR = np.random.default_rng(seed).multinomial(many, [1 / many] * many, size=DRAWS)
    trace_SB, square_SB = weight_SR @ trace_RB.to_numpy(), weight_SR @ square_RB.to_numpy()
    ratio_SB = np.where(square_SB > 0, trace_SB / np.where(square_SB > 0, square_SB, 1.0), np.inf)
    ratio_SB[(trace_SB == 0) & (square_SB == 0)] = np.nan
    rows = []
    for (_, band), ratio_S in zip(points.groupby("band"), ratio_SB.T, strict=True):
        low = high = np.nan
        if len(band) >= 3:
            quantiles = [(1 - level) / 2, (1 + level) / 2]
            low, high = np.quantile(ratio_S[~np.isnan(ratio_S)], quantiles, method="nearest")
        square = float(band["square"].sum())
        batch = float(band["trace"].sum()) / square if square > 0 else np.nan
        loss = float(np.average(band["loss"], weights=band["weight"]))
        rows.append((loss, batch, float(low), float(high), len(band)))
    return pd.DataFrame(rows, columns=columns), ratio_SB


def _misses(law: Fit, bands: pd.DataFrame) -> list[str]:
    """Where the law lies outside the pooled bands' intervals, which one power law then does not describe."""
    known = bands[np.isfinite(bands["low"])]
    said = law.predict(loss=known["loss"].to_numpy()) if len(known) else np.empty(0)
    outside = int(((said < known["low"]) | (said > known["high"])).sum())
    if not outside:
        return []
    return [
        f"The power law lies outside the interval in {outside} of {len(known)} pooled bands: one power of the loss "
        "does not describe them all, and steps and tokens are compared with the bands."
    ]


def _law(points: pd.DataFrame, resamples: int, seed: int, level: float) -> Fit:
    """Kaplan's power law through the bands of single runs, the runs drawn again whole."""
    table = pd.DataFrame(
        {
            "loss": points["loss"].to_numpy(),
            "batch": (points["trace"] / points["square"]).to_numpy(),
            "cluster": points["run_id"].to_numpy(),
        }
    )
    intervals = "cases" if table["cluster"].nunique() >= 3 else "auto"
    return fit(table, "critical-batch", "log-mse", resamples=resamples, seed=seed, level=level, intervals=intervals)


def _agreement(one: Direct, noise: tuple[float, float, float]) -> str:
    value, low, high = noise
    ratio = one.batch / value
    said = (
        f"At a loss of {one.loss:.3g} steps and tokens give {_range(one.batch, one.low, one.high)} tokens, "
        f"the noise scale {_range(value, low, high)}: "
    )
    if one.low <= high and low <= one.high:
        return f"{said}they agree within their intervals (ratio {ratio:.2f})."
    if 1 / WITHIN <= ratio <= WITHIN:
        return f"{said}they differ by a factor of {ratio:.2f}, more than their intervals say, but are of one magnitude."
    return f"{said}they disagree, by a factor of {ratio:.2f}."


def _range(value: float, low: float, high: float) -> str:
    return f"{value:,.0f} ({low:,.0f} to {high:,.0f})" if np.isfinite(low) else f"{value:,.0f} (no interval)"
