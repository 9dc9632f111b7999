"""How the time of a fit grows: with the number of points, and with the number of a law's nonlinear parameters."""

from functools import partial

import numpy as np

from tests.benchmarks.machine import readable, seconds, timed
from tests.benchmarks.points import simulated, simulated_by
from workbench.errors import BadInput
from workbench.fitting import LAWS, Fit, fit, tables
from workbench.fitting.laws.base import Law
from workbench.fitting.parametric import fit_law

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
    """Laws by their number of nonlinear parameters, each on 240 points that the law itself generates."""
    n_points, resamples = 240, 200 if quick else 1000
    print(f"\nGrowth with nonlinear parameters ({n_points} points simulated from each law)\n")
    both_said = f"with {resamples} resamples"
    print(f"{'nonlinear':>9s}{'all':>5s}  {'law':28s}{'one fit':>10s}{both_said:>22s}  searched", flush=True)
    for n_nonlinear, name, law in laws_by_size(quick):
        simulated_table = simulated_by(law, n_points)
        assert simulated_table is not None
        table = tables.canonical(simulated_table)
        line = f"{n_nonlinear:9d}{len(law.theta_names):5d}  {name:28s}"
        try:
            found, first = timed(partial(fit_law, table, law, resamples=0))
            again = 0 if quick or first > 10 else 3
            alone = seconds(partial(fit_law, table, law, resamples=0), again, warm_up=False) if again else first
            _, both = timed(partial(fit_law, table, law, resamples=resamples, intervals="cases"))
            print(f"{line}{readable(alone):>10s}{readable(both):>22s}  {certified(found)}", flush=True)
        except BadInput as error:
            print(f"{line}  not fitted: {error}", flush=True)


def certified(found: Fit) -> str:
    """What the record says was searched, and what it found."""
    certificate = found.diagnostics["certificate"]
    agree = "" if certificate["dense"] else f", {100 * certificate['agree']:.0f}% arrive"
    return f"{certificate['searched']}: basins {certificate['basins']}{agree}"


def laws_by_size(quick: bool) -> list[tuple[int, str, Law]]:
    """Laws that can be simulated, by their nonlinear parameters; with --quick one of each number up to four."""
    laws = [(name, law) for name, law in LAWS.items() if name != "family"]
    # A broken law with two bends has the most of all.
    laws += [(f"{name}, 2 bends", law.configured(breaks=2)) for name, law in LAWS.items() if hasattr(law, "breaks")]
    # A family of G groups has two exponents and G − 1 multipliers.
    many = (2, 4, 6)
    laws += [(f"family, {g} groups", LAWS["family"].configured(groups=list("abcdef"[:g]))) for g in many]
    found = [
        (nonlinear_of(law), name, law)
        for name, law in laws
        if nonlinear_of(law) >= 2 and law.response == "loss" and simulated_by(law, 10) is not None
    ]
    found.sort(key=lambda entry: (entry[0], entry[1] != "chinchilla", entry[1]))
    if not quick:
        return found
    _, first = np.unique([entry[0] for entry in found], return_index=True)
    return [found[index] for index in first if found[index][0] <= 4]


def nonlinear_of(law: Law) -> int:
    """How many parameters the law is not linear in; all but E, A and B where it says nothing of its own."""
    return len(law.nonlinear) or sum(name not in ("ln E", "ln A", "ln B") for name in law.theta_names)
