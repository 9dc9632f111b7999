"""Approach 1: which size is best at each compute, read off the lower envelope of training curves.

Where the table has points in the middle of schedules, each run is a curve of ln L against ln C; at every compute the
lowest curve names a size (Hoffmann et al. 2022, 2203.15556, section 3.1). Where it has final points only, those on the
lower convex hull of (ln C, ln L) do (Gemstones, 2502.06857). Power laws N ∝ C^a and D ∝ C^b go through the winners;
those that are the smallest or the largest size at their compute are left out, for there the envelope is cut off.

On simulated training curves of twenty sizes, 2 to 200 tokens per parameter, a is off by -0.003 (Besiroglu's surface)
and -0.001 (Hoffmann's) without noise; by -0.013 and 0.000 where each run is off by 0.5%, for the lowest curve is one
that was lucky. On 35 and 63 final points it is off by 0.001. The 95% interval is two to five times as wide as it need
be and covered 99 to 100 of 100 sweeps: a resample without a winner hands its place to a neighbour.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from workbench.fitting import tables
from workbench.fitting.diagnostics.identification import open_exponent, short_range
from workbench.fitting.isoflop.budgets import budgets
from workbench.fitting.isoflop.minima import lines
from workbench.fitting.laws.base import Array
from workbench.fitting.record import Fit, NotIdentifiable
from workbench.fitting.uncertainty import bootstrap

GRID = 128
"""Values of compute at which the envelope of curves is read (Hoffmann et al. use 1,500)."""

FRONT = 64
"""Runs with the lowest losses at a compute, one of which is in nearly every resample."""

CHUNK = 2_000_000
"""Entries of the largest array made at once, so that many resamples fit in memory."""


@dataclass(frozen=True)
class Envelope:
    """Candidates on a common axis of compute: entry (r, g) is run r at compute g, NaN where it did not train there."""

    ln_c_G: Array
    ln_l_RG: Array
    ln_d_RG: Array
    ln_n_R: Array
    kind: str

    def winners(self, present_SR: np.ndarray) -> tuple[Array, Array, Array]:
        """For each resample and compute: ln N, ln D and ln L of the lowest curve among the runs present."""
        lower_RG = np.nan_to_num(self.ln_l_RG, nan=np.inf)
        ran_RG = lower_RG < np.inf
        ln_n_RG = np.broadcast_to(self.ln_n_R[:, None], lower_RG.shape)
        best_SG = first_present(lower_RG, present_SR)
        least_SG = first_present(np.where(ran_RG, ln_n_RG, np.inf), present_SR)
        most_SG = first_present(np.where(ran_RG, -ln_n_RG, np.inf), present_SR)
        ln_n_SG = self.ln_n_R[best_SG]
        # The smallest and the largest size that trained at this compute are no optimum: a run wins against both.
        inside = (ln_n_SG > self.ln_n_R[least_SG]) & (ln_n_SG < self.ln_n_R[most_SG])
        columns = np.arange(len(self.ln_c_G))
        found = (ln_n_SG, self.ln_d_RG[best_SG, columns], lower_RG[best_SG, columns])
        return tuple(np.where(inside, values, np.nan) for values in found)  # type: ignore[return-value]


def first_present(value_RG: Array, present_SR: np.ndarray) -> np.ndarray:
    """For each resample and column: the run of the lowest value among those present, the first of equals, (S, G).

    Of thousands of runs the lowest present is among the few lowest of all, where it is looked for; the rest are looked
    at in the columns where it is not.
    """
    order_RG = np.argsort(value_RG, axis=0, kind="stable")
    front_KG = order_RG[:FRONT]
    out = np.empty((len(present_SR), value_RG.shape[1]), dtype=int)
    step = max(1, CHUNK // max(front_KG.size, 1))
    columns = np.arange(value_RG.shape[1])
    for first in range(0, len(present_SR), step):
        here_SR = present_SR[first : first + step]
        there_SKG = here_SR[:, front_KG]
        out[first : first + step] = front_KG[there_SKG.argmax(axis=1), columns]
        for resample, column in zip(*np.nonzero(~there_SKG.any(axis=1)), strict=True):
            place = int(here_SR[resample, order_RG[:, column]].argmax())
            out[first + resample, column] = order_RG[place, column]
    return out


def from_curves(table: pd.DataFrame, convention: str) -> Envelope:
    """Interpolate each run's curve in ln C onto a common grid."""
    rows = table.sort_values(["run_id", "c"], kind="stable")
    codes, _ = pd.factorize(rows["run_id"])
    starts = np.flatnonzero(np.r_[True, codes[1:] != codes[:-1]])
    pieces = [slice(a, b) for a, b in zip(starts, np.r_[starts[1:], len(rows)], strict=True) if b - a >= 2]
    ln_c, ln_loss, ln_tokens, ln_size = (
        np.log(rows[name].to_numpy(dtype=np.float64)) for name in ("c", "loss", "d", convention)
    )
    grid_G = np.linspace(min(ln_c[p][0] for p in pieces), max(ln_c[p][-1] for p in pieces), GRID)
    outside = {"left": np.nan, "right": np.nan}
    ln_l = [np.interp(grid_G, ln_c[p], ln_loss[p], **outside) for p in pieces]
    ln_d = [np.interp(grid_G, ln_c[p], ln_tokens[p], **outside) for p in pieces]
    return Envelope(grid_G, np.array(ln_l), np.array(ln_d), ln_size[[p.start for p in pieces]], "curves")


def hull_mask(ln_c_M: Array, ln_l_M: Array, present_SM: np.ndarray) -> np.ndarray:
    """Which points lie on the lower convex hull's falling part, for each resample's points, (S, M).

    A point is on it when even the gentlest descent from its left is steeper than the steepest to its right.
    """
    dc_MM = ln_c_M[None, :] - ln_c_M[:, None]
    dl_MM = ln_l_M[None, :] - ln_l_M[:, None]
    same_MM = np.abs(dc_MM) < 1e-9
    with np.errstate(divide="ignore", invalid="ignore"):
        slope_MM = np.where(same_MM, np.where(dl_MM > 0, np.inf, -np.inf), dl_MM / dc_MM)
    # Row j to column i: arriving at i from the left, or from a lower point at the same compute.
    arrive_MM = np.where((dc_MM > 0) & ~same_MM | (same_MM & (dl_MM > 0)), slope_MM, -np.inf)
    leave_MM = np.where((dc_MM > 0) & ~same_MM, slope_MM, np.inf)
    out = np.zeros(present_SM.shape, dtype=bool)
    step = max(1, CHUNK // max(slope_MM.size, 1))
    for first in range(0, len(present_SM), step):
        here_SM = present_SM[first : first + step]
        arriving_SM = np.where(here_SM[:, :, None], arrive_MM, -np.inf).max(axis=1)
        leaving_SM = np.where(here_SM[:, None, :], leave_MM, np.inf).min(axis=2)
        out[first : first + step] = here_SM & (arriving_SM < 0) & (arriving_SM <= leaving_SM + 1e-12)
    return out


def fit_envelope(
    table: pd.DataFrame, convention: str = "n", resamples: int = 1000, seed: int = 0, level: float = 0.95
) -> Fit:
    """Approach 1 on a canonical table."""
    table, dropped = tables.checked(table, (convention, "d", "c", "loss"), "envelope")
    curved = "run_id" in table and "point" in table and (table["point"] == "mid-schedule").any()
    rng = np.random.default_rng(seed)
    notes = [*table.attrs.get("notes", ()), *dropped]
    if curved:
        envelope = from_curves(table, convention)
        ln_c_G, present = envelope.ln_c_G, _present(len(envelope.ln_n_R), resamples, rng)
        ln_n_SG, ln_d_SG, ln_l_SG = envelope.winners(present)
        notes.append(
            f"The envelope is that of {len(envelope.ln_n_R)} training curves, points in the middle of a schedule "
            "included: a run whose rate has not yet decayed looks worse there than one that ends there."
        )
    else:
        ln_c_G = np.log(_design_compute(table))
        ln_n, ln_d, ln_l = (np.log(table[name].to_numpy(dtype=np.float64)) for name in (convention, "d", "loss"))
        present = _present(len(table), resamples, rng)
        on_SM = hull_mask(ln_c_G, ln_l, present)
        on_SM &= _between_sizes(ln_n, budgets(table), present)
        ln_n_SG, ln_d_SG, ln_l_SG = (np.where(on_SM, values, np.nan) for values in (ln_n, ln_d, ln_l))
        notes.append("The envelope is the lower convex hull of final points: the table has no curves in mid-schedule.")
    found = np.isfinite(ln_n_SG[0])
    logs = {"c": ln_c_G[found], "n": ln_n_SG[0][found], "d": ln_d_SG[0][found], "loss": ln_l_SG[0][found]}
    hull = pd.DataFrame({name: np.exp(values) for name, values in logs.items()})
    sizes = len(np.unique(hull["n"]))
    if sizes < 3:
        raise NotIdentifiable(
            "envelope needs at least three sizes on the lower envelope, besides the smallest and the largest at each "
            f"compute; the table has {sizes}."
        )
    a_S, ln_kn_S = lines(ln_c_G, ln_n_SG)
    b_S, ln_kd_S = lines(ln_c_G, ln_d_SG)
    draws = {"a": a_S, "b": b_S, "k_N": np.exp(ln_kn_S), "k_D": np.exp(ln_kd_S)}
    misses = ln_n_SG[0][found] - (a_S[0] * ln_c_G[found] + ln_kn_S[0])
    tail = bootstrap.tail(level)
    intervals = {name: bootstrap.percentile(value[1:], tail) for name, value in draws.items()} if resamples else {}
    weak = [
        *short_range(hull["c"], "the envelope spans {:.2f} decades of compute"),
        *short_range(_ends(table), "the runs end within {:.2f} decades of compute"),
        *open_exponent(intervals),
    ]
    notes += weak
    return Fit(
        law="envelope",
        objective="log-mse",
        delta=None,
        objective_value=float(np.mean(misses**2)),
        n_points=len(table),
        params={name: float(value[0]) for name, value in draws.items()},
        intervals=intervals,
        level=level,
        interval_method=f"percentile bootstrap, resampling runs, {resamples} resamples",
        convention=convention,
        conventions=tables.stated(table, convention),
        notes=tuple(notes),
        identified=not weak,
        resamples=resamples,
        resample_params=np.column_stack([value[1:] for value in draws.values()]) if resamples else np.empty((0, 0)),
        residuals=hull.assign(residual=misses),
        extra={"hull": hull, "kind": "curves" if curved else "final points"},
    )


def _between_sizes(ln_n_M: Array, budget: pd.Series, present_SM: np.ndarray) -> np.ndarray:
    """Which points have a smaller and a larger size beside them: of their own budget, or of all runs where none."""
    inside_SM = np.zeros(present_SM.shape, dtype=bool)
    groups = [(budget == value).to_numpy() for value in budget.dropna().unique()]
    alone = budget.isna().to_numpy()
    for judged, beside in [*((group, group) for group in groups), (alone, np.ones_like(alone))]:
        size_M, here_SM = ln_n_M[beside], present_SM[:, beside]
        low_S1 = np.where(here_SM, size_M, np.inf).min(axis=1, keepdims=True)
        high_S1 = np.where(here_SM, size_M, -np.inf).max(axis=1, keepdims=True)
        inside_SM[:, judged] = (ln_n_M[judged] > low_S1) & (ln_n_M[judged] < high_S1)
    return inside_SM


def _present(many: int, resamples: int, rng: np.random.Generator) -> np.ndarray:
    """First all runs, then for each resample those that were drawn at least once."""
    drawn = rng.multinomial(many, np.full(many, 1 / many), size=resamples) > 0
    return np.concatenate([np.ones((1, many), dtype=bool), drawn])


def _ends(table: pd.DataFrame) -> pd.Series:
    """The compute at which each run ended: a curve's beginning widens no range."""
    return table.groupby("run_id")["c"].max() if "run_id" in table and table["run_id"].notna().all() else table["c"]


def _design_compute(table: pd.DataFrame) -> Array:
    """C, rounded to the design's budget where there is one, so that rounding of steps makes no hull."""
    compute = table["c"].to_numpy(dtype=np.float64)
    if "budget" not in table:
        return compute
    budget = table["budget"].to_numpy(dtype=np.float64)
    return np.where(np.isfinite(budget), budget, compute)
