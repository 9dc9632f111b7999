"""How fast fits are, beside the peers and beside plain SciPy, in one run: `python -m tests.benchmarks.fit_speed`.

Four tables are printed: one fit of the Chinchilla law; 4,000 bootstrap resamples; 200 of these against a converged
multi-start BFGS; and how time grows with points and with nonlinear parameters. Every objective is recomputed from the
fitted parameters by one plain formula (plain.py). Times that were measured on a share and scaled up say so.

    --table PATH   the Chinchilla table as CSV with columns params, flops, loss; without it, a simulated one
    --quick        a share of the slow peers' work, fewer checks, growth to 10,000 points: about two minutes
"""

import argparse
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd

from tests.benchmarks import growth, peers, plain
from tests.benchmarks.machine import facts, readable, seconds, timed
from tests.benchmarks.points import chinchilla_table
from workbench.fitting import Fit, fit
from workbench.fitting.laws.base import Array
from workbench.fitting.uncertainty.bootstrap import case_resamples

RESAMPLES = 4000
SEED = 0
NAMES = ("E", "A", "B", "alpha", "beta")


@dataclass(frozen=True)
class Row:
    """One tool's fit: its parameters (None where it did not run), the time of the whole of it, and how both came by."""

    tool: str
    params_5: Array | None
    taken: float
    note: str = ""


def main() -> None:
    """Run everything and print as it comes."""
    parser = argparse.ArgumentParser(description="Speed of fits, beside the peers.")
    parser.add_argument("--table", type=Path, default=None, help="CSV with columns params, flops, loss")
    parser.add_argument("--quick", action="store_true", help="a share of the slow peers' work, scaled and marked so")
    chosen = parser.parse_args()
    table, said = chinchilla_table(chosen.table)
    print(*facts(), f"Points: {said}.", sep="\n", flush=True)
    data = plain.Data.of(table)
    rows = single_fits(table, data, chosen.quick)
    best_5 = rows[0].params_5
    assert best_5 is not None
    bootstraps(table, data, best_5, rows, chosen.quick)
    growth.with_points(chosen.quick)
    growth.with_parameters(chosen.quick)


def single_fits(table: pd.DataFrame, data: plain.Data, quick: bool) -> list[Row]:
    """One fit by each tool."""
    print("\nOne fit of L = E + A/N^α + B/D^β, sum of Huber(1e-3) on ln L\n", flush=True)
    rows = [_ours(table), _one_start(data), _hoffmann(data, quick)]
    rows += _package("chinchilla", lambda: _chinchilla(table, quick))
    rows += _package("vpnls", lambda: _vpnls(table, 0.01))
    if not quick:
        rows += _package("vpnls", lambda: _vpnls(table, 0.001))
    ran = [(row.tool, row.params_5) for row in rows if row.params_5 is not None]
    value_of = {tool: float(plain.values_of(params_5[None], data)[0]) for tool, params_5 in ran}
    lowest, ours = min(value_of.values()), rows[0].taken
    print(f"{'tool':58s}{'time':>10s}{'× ours':>10s}{'objective':>19s}{'excess':>10s}  note")
    for row in rows:
        if row.params_5 is None:
            print(f"{row.tool:58s}{'':49s}  {row.note}")
            continue
        value = value_of[row.tool]
        excess = value / lowest - 1
        print(f"{_beside(row.tool, row.taken, ours)}{value:19.11e}{excess:10.1e}  {row.note}", flush=True)
    theirs = min((value for tool, value in value_of.items() if tool != rows[0].tool), default=np.nan)
    print(f"Ours relative to the best peer's: {value_of[rows[0].tool] / theirs - 1:+.1e} (goal: at most +1e-9).")
    print(f"Goal for the certified fit: under 50 ms; measured: {readable(ours)}.", flush=True)
    return rows


def _beside(tool: str, taken: float, ours: float) -> str:
    """The first columns of a line: the tool, its time, and the multiple of ours."""
    return f"{tool:58s}{readable(taken):>10s}{taken / ours:10.3g}"


def _ours(table: pd.DataFrame) -> Row:
    taken = seconds(lambda: fit(table, "chinchilla", resamples=0), 21)
    found = fit(table, "chinchilla", resamples=0)
    return Row("workbench, all starts, certified", _params(found), taken, growth.certified(found))


def _params(found: Fit) -> Array:
    return np.array([found.params[name] for name in NAMES])


def _one_start(data: plain.Data) -> Row:
    start_5 = plain.HOFFMANN_ESTIMATE
    taken = seconds(lambda: plain.one_start(start_5, data), 7)
    theta_5, _ = plain.one_start(start_5, data)
    tool = "SciPy BFGS, one start, analytic gradient"
    return Row(tool, plain.params_of(theta_5), taken, "starts at Hoffmann's values")


def _hoffmann(data: plain.Data, quick: bool) -> Row:
    starts_S5 = plain.hoffmann_starts()
    total = len(starts_S5)
    if quick:
        starts_S5 = np.random.default_rng(SEED).permutation(starts_S5)[:225]
    (theta_S5, value_S), taken = timed(lambda: plain.hoffmann(data, starts_S5))
    best = int(np.nanargmin(value_S))
    arrived = float((value_S <= value_S[best] * (1 + 1e-6)).mean())
    note = f"{100 * arrived:.0f}% of the starts within 1e-6 of its best"
    if quick:
        note = f"scaled from {len(starts_S5)} random starts; {note}"
    return Row(
        f"Hoffmann's protocol, SciPy L-BFGS-B, {total} starts",
        plain.params_of(theta_S5[best]),
        taken * total / len(starts_S5),
        note,
    )


def _package(name: str, run: Callable[[], Row]) -> list[Row]:
    """A peer's row, or the word that it is not installed; a peer that fails says how."""
    try:
        return [run()]
    except ImportError:
        return [Row(name, None, np.nan, f"not installed: pip install {name}")]
    except Exception as error:
        return [Row(name, None, np.nan, f"failed: {type(error).__name__}: {error}")]


def _chinchilla(table: pd.DataFrame, quick: bool) -> Row:
    per_axis = 3 if quick else 5
    params_5, taken = timed(lambda: peers.chinchilla(table, per_axis))
    note = "all cores" + (f", scaled from {per_axis**5} starts" if quick else "")
    return Row(
        f"chinchilla {peers.installed('chinchilla')}, log Huber, 5⁵ starts", params_5, taken * 5**5 / per_axis**5, note
    )


def _vpnls(table: pd.DataFrame, resolution: float) -> Row:
    params_5, taken = timed(lambda: peers.vpnls(table, resolution))
    tool = f"vpnls {peers.installed('vpnls')}, grid {resolution:g}"
    return Row(tool, params_5, taken, "minimises Huber on L, not on ln L")


def bootstraps(table: pd.DataFrame, data: plain.Data, best_5: Array, rows: list[Row], quick: bool) -> None:
    """4,000 case resamples: ours, the one-start BFGS, and what the peers would take at one fit each."""
    print(f"\n{RESAMPLES} bootstrap resamples of the points, each solved to its optimum\n", flush=True)

    def run() -> Fit:
        return fit(table, "chinchilla", resamples=RESAMPLES, seed=SEED, intervals="cases")

    found = run()
    w_SM = case_resamples(data.y_M, np.arange(len(table)), RESAMPLES, np.random.default_rng(SEED)).w_SM
    ours_S = plain.values_of(np.asarray(found.resample_params, dtype=np.float64), data, w_SM)
    e, a, b, alpha, beta = best_5
    start_5 = np.array([np.log(a), np.log(b), np.log(e), alpha, beta])
    print(f"{'tool':58s}{'time':>10s}{'× ours':>10s}  note")
    share = 400 if quick else RESAMPLES
    marked = f"scaled from {share}; " if quick else ""
    # Ours before, between and after the others, so that a machine that slows down slows both.
    ours = [seconds(run, 5)]
    times, lines = [], []
    for how, (moved, moved_5) in {"": (data, start_5), ", centred": plain.centred(data, start_5)}.items():
        value_S, by_hand = timed(partial(_one_start_each, moved, w_SM[:share], moved_5))
        times.append(by_hand * RESAMPLES / share)
        ours.append(seconds(run, 5))
        short = 100 * (value_S > ours_S[:share] * (1 + 1e-6)).mean()
        tool = f"SciPy BFGS from the point fit, analytic gradient{how}"
        lines.append((tool, times[-1], f"{marked}{short:.1f}% end more than 1e-6 above ours"))
    taken = float(np.median(ours))
    for tool, each, note in [("workbench: point fit, draws, intervals, notes", taken, found.interval_method), *lines]:
        print(f"{_beside(tool, each, taken)}  {note}", flush=True)
    for row in rows[2:]:
        if row.params_5 is not None:
            print(f"{_beside(row.tool, row.taken * RESAMPLES, taken)}  scaled: one fit × {RESAMPLES}")
    print(
        f"Goals: under 0.4 s, measured {readable(taken)}; at least 75 times the one-start BFGS, measured "
        f"{times[0] / taken:.0f} times ({times[1] / taken:.0f} times the same on centred logarithms).",
        flush=True,
    )
    _check(data, w_SM, ours_S, start_5, 40 if quick else 200)


def _one_start_each(data: plain.Data, w_SM: Array, start_5: Array) -> Array:
    return np.array([plain.one_start(start_5, data.weighted(w_M))[1] for w_M in w_SM])


def _check(data: plain.Data, w_SM: Array, ours_S: Array, start_5: Array, n_checked: int) -> None:
    """Some resamples at random, against a converged multi-start BFGS."""
    chosen = np.sort(np.random.default_rng(SEED + 1).choice(len(w_SM), n_checked, replace=False))
    theirs, taken = timed(lambda: np.array([plain.converged(data.weighted(w_SM[s]), start_5) for s in chosen]))
    excess = ours_S[chosen] / theirs - 1
    worst = int(np.argmax(excess))
    lower, higher = ([int((sign * excess > share).sum()) for share in (1e-12, 1e-9, 1e-6)] for sign in (-1, 1))
    print(
        f"\n{n_checked} resamples at random against a converged multi-start BFGS ({readable(taken)}), by objective:\n"
        f"{int((np.abs(excess) <= 1e-6).sum())} equal to 1e-6; worst {excess[worst]:+.1e} (resample {chosen[worst]}), "
        f"median {np.median(excess):+.1e}, lowest {excess.min():+.1e}.\n"
        f"Ours higher by more than 1e-12, 1e-9, 1e-6: {higher}; lower by more than that: {lower}.",
        flush=True,
    )


if __name__ == "__main__":
    main()
