"""How the time of a fit grows: with the number of points, and with the number of a law's nonlinear parameters."""

import warnings
from functools import partial

import numpy as np

from tests.benchmarks.machine import readable, seconds, timed
from tests.benchmarks.points import simulated, simulated_by
from workbench.errors import BadInput
from workbench.fitting import LAWS, Fit, fit
from workbench.fitting.laws.base import Law

PATIENCE = 120.0
"""A cell that the one before it predicts to take longer than this many seconds is left out, and said to be."""

RESAMPLES = 200

CELLS = 2e8
"""Points × resamples beyond which the weights alone would fill gigabytes."""


def with_points(quick: bool) -> None:
    """Chinchilla's law on 100 to 100,000 simulated points."""
    print(f"\nGrowth with points (chinchilla, simulated; certified fit, and the same with {RESAMPLES} resamples)\n")
    print(f"{'points':>9s}{'one fit':>12s}{'per point':>12s}{'+ resamples':>14s}{'each':>12s}", flush=True)
    last: tuple[float, float] | None = None
    for n_points in (100, 1000, 10_000) if quick else (100, 300, 1000, 3000, 10_000, 30_000, 100_000):
        if last is not None and (ahead := last[0] * n_points / last[1]) > PATIENCE:
            print(f"{n_points:9d}  left out: about {readable(ahead)} expected")
            continue
        table = simulated(n_points)
        alone = seconds(partial(fit, table, "chinchilla", resamples=0), 3 if n_points <= 3000 else 1)
        last = (alone, float(n_points))
        line = f"{n_points:9d}{readable(alone):>12s}{1e6 * alone / n_points:9.3g} µs"
        if n_points * RESAMPLES <= CELLS:
            _, both = timed(partial(fit, table, "chinchilla", resamples=RESAMPLES, intervals="cases"))
            line += f"{readable(both):>14s}{readable(max(both - alone, 0) / RESAMPLES):>12s}"
        print(line, flush=True)


def with_parameters(quick: bool) -> None:
    """One law for each number of nonlinear parameters, on 240 points that the law itself generates."""
    n_points = 240
    print(f"\nGrowth with nonlinear parameters ({n_points} points simulated from each law)\n")
    print(f"{'nonlinear':>9s}{'all':>5s}  {'law':24s}{'one fit':>10s}{'with 1000 resamples':>21s}  note", flush=True)
    for n_nonlinear, name, law in _one_of_each(quick):
        table = simulated_by(law, n_points)
        assert table is not None
        line = f"{n_nonlinear:9d}{len(law.theta_names):5d}  {name:24s}"
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                found, first = timed(partial(fit, table, name, resamples=0))
                again = 3 if first < 10 else 0
                alone = seconds(partial(fit, table, name, resamples=0), again, warm_up=False) if again else first
                _, both = timed(partial(fit, table, name, resamples=1000, intervals="cases"))
            print(f"{line}{readable(alone):>10s}{readable(both):>21s}  {certified(found)}", flush=True)
        except BadInput as error:
            print(f"{line}  not fitted: {error}", flush=True)


def certified(found: Fit) -> str:
    """What the record says was searched, and what it found."""
    certificate = found.diagnostics["certificate"]
    agree = "" if certificate["dense"] else f", {100 * certificate['agree']:.0f}% arrive"
    return f"{certificate['searched']}: basins {certificate['basins']}{agree}"


def _one_of_each(quick: bool) -> list[tuple[int, str, Law]]:
    """Laws ordered by their number of nonlinear parameters: all of them, or with --quick the first of each number."""
    found = [
        (len(law.nonlinear), name, law)
        for name, law in LAWS.items()
        if len(law.nonlinear) >= 2 and simulated_by(law, 10) is not None
    ]
    found.sort(key=lambda entry: (entry[0], entry[1] != "chinchilla"))
    if not quick:
        return found
    _, first = np.unique([entry[0] for entry in found], return_index=True)
    return [found[index] for index in first]
