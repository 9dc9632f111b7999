"""How large a batch is worth its tokens? The critical batch of each size of a sweep, measured in two ways.

By the gradient noise scale B_noise = tr(Σ)/|G|² (McCandlish et al. 1812.06162, equation 2.9), where the runs logged its
two parts. Both are unbiased and their ratio is not, so the parts are summed over a band of training loss, weighted by
tokens, and divided once. Through the bands of single runs goes the power law B_crit(L) = B*/L^(1/α_B) (Kaplan et al.
2001.08361, equation 1.4). All intervals are over whole runs: the runs are drawn again, with all their bands.

And by the steps and tokens to a loss, where one size was trained at several batches: see `steps_to_loss`.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from workbench.analyses.samples import of_sweep
from workbench.analyses.steps_to_loss import Direct, direct
from workbench.errors import BadInput
from workbench.fitting import fit
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
    law: Fit | None
    """B* and α_B through the bands of single runs."""
    direct: tuple[Direct, ...]
    """From steps and tokens to each of some losses; none where no batches were compared."""
    notes: tuple[str, ...]

    def noise_at(self, loss: float) -> tuple[float, float, float] | None:
        """The law's critical batch at a loss, with its interval (NaN where it has none)."""
        if self.law is None:
            return None
        low = high = np.array([np.nan])
        if self.law.resamples:
            low, high = self.law.predict_interval(loss=loss)
        return float(self.law.predict(loss=loss)), float(low[0]), float(high[0])

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
    mine = mine[mine["status"] == "done"]
    if mine.empty:
        raise BadInput(f"sweep {name!r}: no run is done; train it first with `workbench sweep run`")
    sizes = {str(entry["run_id"]): str(entry["size"]) for entry in manifest["runs"] if entry.get("size")}
    named = [sizes.get(run_id, f"{n:,} parameters") for run_id, n in zip(mine["run_id"], mine["n_params"], strict=True)]
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
    points = _points(best_rates(runs), curves)
    bands = _bands(points, seed, level)
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
        except NotIdentifiable as error:
            notes.append(f"No power law: {error}")
    across, said = direct(runs, curves, resamples, seed, level)
    return Critical(size, bands, law, across, (*notes, *said))


def best_rates(runs: pd.DataFrame) -> pd.DataFrame:
    """Of each batch the runs at the rate of the least mean loss: noise is measured where one would train."""
    means = runs.groupby(["batch_tokens", "learning_rate"])["loss"].mean().reset_index()
    best = means.loc[means.groupby("batch_tokens")["loss"].idxmin(), ["batch_tokens", "learning_rate"]]
    return runs.merge(best, on=["batch_tokens", "learning_rate"])


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


def _bands(points: pd.DataFrame, seed: int, level: float) -> pd.DataFrame:
    """Each band pooled over runs; its interval by drawing the runs again (NaN of fewer than three)."""
    rng, rows = np.random.default_rng(seed), []
    for _, band in points.groupby("band"):
        trace, square = band["trace"].to_numpy(), band["square"].to_numpy()
        low = high = np.nan
        if len(band) >= 3:
            drawn = rng.integers(len(band), size=(DRAWS, len(band)))
            squares = square[drawn].sum(axis=1)
            # Where the noise leaves no |G|² above 0 the batch has no upper end.
            ratios = np.where(squares > 0, trace[drawn].sum(axis=1) / np.where(squares > 0, squares, 1.0), np.inf)
            low, high = np.quantile(ratios, [(1 - level) / 2, (1 + level) / 2], method="nearest")
        loss = float(np.average(band["loss"], weights=band["weight"]))
        batch = float(trace.sum() / square.sum()) if square.sum() > 0 else np.nan
        rows.append((loss, batch, float(low), float(high), len(band)))
    return pd.DataFrame(rows, columns=["loss", "batch", "low", "high", "runs"])


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
