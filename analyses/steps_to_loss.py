"""The critical batch measured directly: steps S and tokens E to one loss, at several batches.

(S/S_min − 1)(E/E_min − 1) = 1 (McCandlish et al. 1812.06162, equation 2.7; Kaplan et al. 2001.08361, equation 5.1), and
B_crit = E_min/S_min (equation 2.8). With E = S·B the hyperbola is S = S_min + E_min/B: a power law with an offset whose
exponent is held at 1, which the workbench's own `power-d` fits.

Each batch counts at its best rate: the vertex of a parabola in ln rate through the tokens to the loss, seed by seed.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from workbench.fitting import fit
from workbench.fitting.pricing import best_over_rates
from workbench.fitting.record import NotIdentifiable

FEWEST = 4
"""Batches below which two parameters and a doubt about the curve's form are too much to ask."""

FAR = 10
"""Beyond the batches tried by this factor, steps or tokens are the same at all of them to within noise."""

TARGETS = 5
"""Losses at which steps and tokens are compared."""


@dataclass(frozen=True)
class Direct:
    """The trade of steps for tokens at one held-out loss."""

    loss: float
    batch: float
    """B_crit = E_min/S_min, tokens."""
    low: float
    high: float
    steps: float
    """S_min: steps of an unlimited batch."""
    tokens: float
    """E_min: tokens of the smallest batch."""
    table: pd.DataFrame
    """batch, seed, steps, tokens and inside (whether the best rate is bracketed) of each measurement."""
    method: str
    """Where the interval comes from."""


def direct(
    runs: pd.DataFrame, curves: pd.DataFrame, resamples: int, seed: int, level: float
) -> tuple[tuple[Direct, ...], tuple[str, ...]]:
    """At each of some losses that every batch of one size reached; and what to say of the measurement."""
    if runs["batch_tokens"].nunique() < FEWEST:
        return (), ()
    held_out = {
        str(run_id): curve.sort_values("tokens") for run_id, curve in curves[curves["loss"].notna()].groupby("run_id")
    }
    found, notes = [], []
    losses = targets(runs, held_out)
    if not losses:
        notes.append(
            "No loss below that of every batch after its warm-up was reached by all batches: steps and tokens cannot "
            "be compared; train longer, with more held-out evaluations."
        )
    for loss in losses:
        table = measurements(runs, held_out, loss)
        try:
            one = _fitted(loss, table, resamples, seed, level)
            found.append(one)
            if not table["batch"].min() <= one.batch <= table["batch"].max():
                notes.append(
                    f"At a loss of {loss:.3g} the critical batch, {one.batch:,.0f} tokens, lies outside the batches "
                    f"tried ({table['batch'].min():,} to {table['batch'].max():,}): it is an extrapolation."
                )
        except NotIdentifiable as error:
            notes.append(f"Steps and tokens to a loss of {loss:.3g} give no critical batch: {error}")
    if found:
        inside = sum(int(one.table["inside"].sum()) for one in found)
        many = sum(len(one.table) for one in found)
        notes.append(
            f"The best rate lies inside the rates tried in {inside} of {many} measurements of tokens to a loss."
        )
    return tuple(found), tuple(notes)


def targets(runs: pd.DataFrame, held_out: dict[str, pd.DataFrame]) -> list[float]:
    """From the loss that the first batch has after its warm-up to the least that every batch and seed reached."""
    starts, ends = [], []
    for _, group in runs.groupby(["batch_tokens", "seed_init"]):
        curves = [
            held_out[run_id][held_out[run_id]["step"] > warm_up]["loss"].to_numpy()
            for run_id, warm_up in zip(group["run_id"], group["warmup_steps"], strict=True)
            if run_id in held_out
        ]
        curves = [losses for losses in curves if len(losses) > 1]
        if not curves:
            return []
        starts.append(min(float(losses[0]) for losses in curves))
        ends.append(min(float(losses.min()) for losses in curves))
    first, last = min(starts), max(ends)
    return [float(loss) for loss in np.geomspace(first, last, TARGETS + 1)[1:]] if last < first else []


def tokens_to(curve: pd.DataFrame, loss: float) -> float:
    """Tokens at which a curve of held-out losses first reaches `loss`, between evaluations linear in ln tokens.

    Infinite of a curve that never does, and of one that begins below it.
    """
    losses, tokens = curve["loss"].to_numpy(), curve["tokens"].to_numpy(dtype=float)
    below = np.flatnonzero(losses <= loss)
    if not len(below) or below[0] == 0:
        return np.inf
    i = int(below[0])
    share = (losses[i - 1] - loss) / (losses[i - 1] - losses[i])
    return float(np.exp((1 - share) * np.log(tokens[i - 1]) + share * np.log(tokens[i])))


def measurements(runs: pd.DataFrame, held_out: dict[str, pd.DataFrame], loss: float) -> pd.DataFrame:
    """Steps and tokens to a loss, of each batch and seed at its best rate."""
    rows = []
    for _, group in runs.groupby(["batch_tokens", "seed_init"]):
        batch, start = int(group["batch_tokens"].iloc[0]), int(group["seed_init"].iloc[0])
        mine = group[group["run_id"].isin(list(held_out))]
        tokens = [
            tokens_to(held_out[run_id], loss) if status == "done" else np.inf
            for run_id, status in zip(mine["run_id"], mine["status"], strict=True)
        ]
        if not np.isfinite(tokens).any():
            continue
        best = best_over_rates(np.log(mine["learning_rate"]).tolist(), np.log(tokens).tolist())
        tokens_best = float(np.exp(best.loss))
        rows.append((batch, start, tokens_best / batch, tokens_best, best.inside))
    return pd.DataFrame(rows, columns=["batch", "seed", "steps", "tokens", "inside"])


def _fitted(loss: float, table: pd.DataFrame, resamples: int, seed: int, level: float) -> Direct:
    """The hyperbola as a power law in the batch, of exponent 1: what the law calls loss is steps here."""
    if table["batch"].nunique() < FEWEST:
        raise NotIdentifiable(f"{table['batch'].nunique()} batches reached it; {FEWEST} are needed")
    points = pd.DataFrame({"d": table["batch"].astype(float), "loss": table["steps"], "cluster": table["batch"]})
    law = fit(points, "power-d", "log-mse", resamples=resamples, seed=seed, level=level, fixed={"alpha": 1.0})
    least, most, batch = table["batch"].min(), table["batch"].max(), law.params["A"] / law.params["E"]
    if not least / FAR <= batch <= most * FAR:
        side = "larger" if batch > most else "smaller"
        raise NotIdentifiable(f"batches of {least:,} to {most:,} tokens are all far from it; try {side} ones")
    draws, low, high = law.draws(), np.nan, np.nan
    if draws:
        low, high = np.quantile(draws["A"] / draws["E"], [law.cut, 1 - law.cut])
    steps, tokens = law.params["E"], law.params["A"]
    return Direct(loss, tokens / steps, float(low), float(high), steps, tokens, table, law.interval_method)
