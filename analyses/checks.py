"""Is the sweep fit to carry a law? Learning rate, seed noise, fresh tokens, minima: each a table or a fact."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from workbench.analyses.scaling_judged import Diagnosed
from workbench.fitting import from_runs
from workbench.fitting.design.proposing import DOUBT
from workbench.fitting.diagnostics.diagnosis import LARGE
from workbench.fitting.isoflop.estimator import bracketed
from workbench.fitting.tables.canonical import LEFT_OUT
from workbench.reporting import formats

RATE_SLACK = 0.01
"""A rule is right where no other rate tried lowers the loss by more than this share."""

SHAPE = ["n_layer", "d_model", "n_params", "tokens"]
"""Runs that agree in these differ in seed or rate alone."""


@dataclass(frozen=True)
class Fact:
    """One thing a sound sweep should satisfy: what is asked, what was found, whether they agree."""

    name: str
    asked: str
    found: str
    met: bool


@dataclass(frozen=True)
class Checks:
    """The tables behind the facts, and the facts."""

    rates: pd.DataFrame
    """n, d, rate_factor, loss, change (against factor 1)."""
    seeds: pd.DataFrame
    """One row a repeated run: config_id, n, d, c, loss, change (against the mean of its seeds)."""
    seed_sd: float
    """Pooled standard deviation of ln loss over seeds; NaN where nothing was repeated."""
    repeated: pd.DataFrame
    """Runs that saw a token twice: run_id, tokens, unique_tokens."""
    budgets: pd.DataFrame
    """budget, runs, smallest and largest N, best loss, its margin below the unigram entropy, bracketed."""
    facts: tuple[Fact, ...] = ()


def done(runs: pd.DataFrame) -> pd.DataFrame:
    """The runs that ended with a loss."""
    return runs[(runs["status"] == "done") & runs["loss"].notna()]


def rate_check(runs: pd.DataFrame) -> pd.DataFrame:
    """The loss at each multiple of the rule's learning rate, at every size and horizon where several were tried."""
    rows = []
    for _, group in done(runs).groupby(SHAPE, sort=True):
        base = group[group["rate_factor"] == 1.0]
        if base.empty or group["rate_factor"].nunique() < 2:
            continue
        reference = float(base["loss"].mean())
        for factor, same in group.groupby("rate_factor", sort=True):
            loss = float(same["loss"].mean())
            rows.append(
                {
                    "n": int(base["n_params"].iloc[0]),
                    "d": int(base["tokens"].iloc[0]),
                    "rate_factor": float(str(factor)),
                    "learning_rate": float(same["learning_rate"].iloc[0]),
                    "loss": loss,
                    "change": loss / reference - 1,
                }
            )
    return pd.DataFrame(rows, columns=["n", "d", "rate_factor", "learning_rate", "loss", "change"])


def seed_noise(runs: pd.DataFrame) -> tuple[pd.DataFrame, float]:
    """Runs of one configuration that differ in their seeds, and the pooled standard deviation of ln loss."""
    finished = done(runs)
    repeated = finished[finished.groupby("config_id")["run_id"].transform("size") > 1]
    frame = pd.DataFrame(
        {
            "config_id": repeated["config_id"],
            "seed_init": repeated["seed_init"],
            "n": repeated["n_params"],
            "d": repeated["tokens"],
            "c": repeated["flops"],
            "loss": repeated["loss"],
            "change": repeated["loss"] / repeated.groupby("config_id")["loss"].transform("mean") - 1,
        }
    ).sort_values(["c", "n", "seed_init"], ignore_index=True)
    if frame.empty:
        return frame, float("nan")
    logs = np.log(frame["loss"])
    squares = float(((logs - logs.groupby(frame["config_id"]).transform("mean")) ** 2).sum())
    return frame, float(np.sqrt(squares / (len(frame) - frame["config_id"].nunique())))


def repeated_tokens(runs: pd.DataFrame) -> pd.DataFrame:
    """Runs that saw a token twice."""
    repeating = runs[runs["unique_tokens"] < runs["tokens"]]
    return repeating[["run_id", "tokens", "unique_tokens"]].reset_index(drop=True)


def budget_table(runs: pd.DataFrame) -> pd.DataFrame:
    """Each isoFLOP budget: its runs, the range of N, the best loss and how far it lies below the unigram entropy."""
    grid = done(runs)
    grid = grid[grid["budget"].notna() & ~grid["role"].isin(LEFT_OUT)]
    fine = bracketed(from_runs(grid)) if len(grid) else {}
    rows = []
    for budget, group in grid.groupby("budget", sort=True):
        winner = group.sort_values("loss").iloc[0]
        best = float(winner["loss"])
        rows.append(
            {
                "budget": float(str(budget)),
                "runs": len(group),
                "n_smallest": int(group["n_params"].min()),
                "n_largest": int(group["n_params"].max()),
                "n_best": int(winner["n_params"]),
                "d_best": int(winner["tokens"]),
                "loss_best": best,
                "margin": 1 - best / float(group["unigram_entropy"].iloc[0]),
                "bracketed": fine.get(float(str(budget)), False),
                "optimum": _where_optimum(group, fine.get(float(str(budget)))),
            }
        )
    columns = [
        "budget",
        "runs",
        "n_smallest",
        "n_largest",
        "n_best",
        "d_best",
        "loss_best",
        "margin",
        "bracketed",
        "optimum",
    ]
    return pd.DataFrame(rows, columns=columns)


def _where_optimum(group: pd.DataFrame, good: bool | None) -> str:
    """Whether the runs of a budget bracket its optimum, and if not, what is missing."""
    best = int(group.sort_values("loss")["n_params"].iloc[0])
    if good is None:
        return "fewer than three sizes"
    if good:
        return "bracketed"
    if best == group["n_params"].min():
        return "the smallest model is best: smaller ones are missing"
    if best == group["n_params"].max():
        return "the largest model is best: larger ones are missing"
    return "the best run has neighbours, but the curve fitted to all has no minimum between them"


def check(runs: pd.DataFrame) -> Checks:
    """All tables; the facts are added by `with_facts` once the laws are fitted."""
    seeds, sd = seed_noise(runs)
    return Checks(rate_check(runs), seeds, sd, repeated_tokens(runs), budget_table(runs))


def facts(
    runs: pd.DataFrame,
    checks: Checks,
    backtest_error: float | None,
    unidentified: Sequence[str],
    misfit: tuple[float, bool] | None = None,
    diagnosed: Diagnosed | None = None,
) -> tuple[Fact, ...]:
    """What a sweep needs so that its law means something, each with what was found.

    `backtest_error` is the largest of the held-out runs; `misfit` the root mean square of what the parametric law
    misses, and whether that is more than the seeds explain; `diagnosed` what a regression's diagnostics say of it.
    """
    finished = len(done(runs))
    found = [
        Fact("runs", "at least 20", f"{finished} done of {len(runs)}", finished >= 20),
        *(_of_budgets(checks.budgets) if len(checks.budgets) else _of_grid(runs)),
        _seeds(checks),
        _rates(checks.rates),
        Fact("fresh tokens", "no token seen twice", f"{len(checks.repeated)} runs repeat", checks.repeated.empty),
        Fact(
            "back-test",
            "every run of the largest compute forecast within 5%",
            "not possible" if backtest_error is None else f"{100 * backtest_error:.2f}% at most",
            backtest_error is not None and backtest_error <= 0.05,
        ),
        Fact(
            "identified",
            "the allocation's exponents identified",
            "yes" if not unidentified else "; ".join(unidentified),
            not unidentified,
        ),
    ]
    if misfit is not None and len(checks.seeds):
        missed, too_much = misfit
        free = len(checks.seeds) - checks.seeds.groupby(["n", "d"]).ngroups
        said = f"misses of {100 * missed:.2f}% where seeds differ by {100 * checks.seed_sd:.2f}%"
        # Few repeated runs can hardly reject anything, so a pass is no more than that.
        said += f"; {free} degrees of freedom from seeds{', a weak test' if free < 10 else ''}"
        found.append(Fact("form", "no lack of fit against the seeds by an F test at 5%", said, not too_much))
    return (*found, *(_of_law(diagnosed) if diagnosed is not None else ()))


def _of_budgets(budgets: pd.DataFrame) -> list[Fact]:
    """What an isoFLOP design should have."""
    decades = float(np.log10(budgets["budget"].max() / budgets["budget"].min()))
    wide = len(budgets) >= 3 and decades >= 2 - 1e-6
    bracketed = int(budgets["bracketed"].sum())
    least = float(budgets["margin"].min())
    return [
        Fact(
            "range", "at least three budgets over two decades of C", f"{len(budgets)} over {decades:.2g} decades", wide
        ),
        Fact(
            "minima",
            "every budget's optimum bracketed from both sides",
            f"{bracketed} of {len(budgets)} budgets, N counted in total",
            bracketed == len(budgets),
        ),
        Fact(
            "margin over the unigram",
            "each budget's best loss at least 15% below the unigram entropy",
            f"the least margin is {100 * least:.1f}%",
            least >= 0.15,
        ),
    ]


def _of_law(diagnosed: Diagnosed) -> list[Fact]:
    """Whether the parametric law bends away from the runs, whether these miss together, whether one decides it."""
    cook = diagnosed.diagnosis.influence["cook"]
    trend = diagnosed.trends[0].partition(": ")[2].partition(" (")[0] if diagnosed.trends else "none is clear"
    return [
        Fact("trend", "no bend or step of the misses along N, D or C", trend, not diagnosed.trends),
        Fact(
            "curvature",
            f"no quadratic departure from the law along N and D by an F test at {100 * DOUBT:g}%",
            f"p = {diagnosed.departure:.2g}",
            diagnosed.departure >= DOUBT,
        ),
        Fact(
            "errors shared within a size",
            "runs of one size or budget err no more alike than any two",
            "no sign of it" if not diagnosed.shared else _lowered(diagnosed.shared[0].partition(", as if")[0]),
            not diagnosed.shared,
        ),
        Fact(
            "influence",
            f"no run that decides the fit alone (Cook's distance up to {LARGE:g})",
            f"{formats.number(float(cook.max()), 2)} at most",
            not (cook > LARGE).any(),
        ),
    ]


def _lowered(sentence: str) -> str:
    """A sentence in the middle of another."""
    return sentence[:1].lower() + sentence[1:]


def _of_grid(runs: pd.DataFrame) -> list[Fact]:
    """The same of a design without budgets: its range of compute, and its best loss."""
    kept = done(runs)
    kept = kept[~kept["role"].isin(LEFT_OUT)]
    if kept.empty:
        return []
    decades = float(np.log10(kept["flops"].max() / kept["flops"].min()))
    margin = 1 - float(kept["loss"].min()) / float(kept["unigram_entropy"].iloc[0])
    return [
        Fact("range", "at least two decades of C", f"{decades:.2g} decades", decades >= 2 - 1e-6),
        Fact(
            "margin over the unigram",
            "the best loss at least 15% below the unigram entropy",
            f"{100 * margin:.1f}%",
            margin >= 0.15,
        ),
    ]


def _seeds(checks: Checks) -> Fact:
    most = int(checks.seeds.groupby("config_id").size().max()) if len(checks.seeds) else 1
    noise = "" if np.isnan(checks.seed_sd) else f", sd of the loss {100 * checks.seed_sd:.2f}%"
    return Fact("seeds", "three seeds at one point", f"{most}{noise}", most >= 3)


def _rates(rates: pd.DataFrame) -> Fact:
    """Half and double the rate tried at two sizes × two horizons, and nowhere much better than the rule's own."""
    asked = f"half and double the rate at two sizes × two horizons, neither better by over {100 * RATE_SLACK:g}%"
    places = [set(group["rate_factor"]) >= {0.5, 1.0, 2.0} for _, group in rates.groupby(["n", "d"])]
    if not places:
        return Fact("learning rate", asked, "not tried", False)
    horizons = rates.groupby("n")["d"].nunique()
    worst = float(rates["change"].min())
    found = f"{sum(places)} places; the best other rate changes the loss by {100 * worst:+.2f}%"
    if worst >= 0:
        found = f"{sum(places)} places; the rule's rate is best in all"
    enough = int((horizons >= 2).sum()) >= 2 and all(places)
    return Fact("learning rate", asked, found, enough and worst >= -RATE_SLACK)
