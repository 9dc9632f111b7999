"""What a regression's diagnostics say of a fit: influence, robust covariances, tests of the noise's evenness.

At its optimum a law is linearised, y ≈ f(θ̂) + J (θ − θ̂), and what statsmodels knows of linear models is asked of that:
leverage and Cook's distance (Cook 1977), HC3 and cluster covariances beside this room's sandwich, the tests of Breusch
and Pagan (1979) and of White (1980) in ln N, ln D and ln C. Weights are inverse variances. Flatness is asked of the law
itself: the profile of each entry of theta, against the range that its bounds allow.
"""

import warnings
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd

from workbench.errors import BadInput
from workbench.fitting.diagnostics.identification import OPEN, flat_direction
from workbench.fitting.diagnostics.misfit import misfits
from workbench.fitting.diagnostics.rows import copied, outlying, poor
from workbench.fitting.diagnostics.shared import alike
from workbench.fitting.laws import LAWS
from workbench.fitting.laws.base import Array
from workbench.fitting.prepared import prepare
from workbench.fitting.record import Fit, NotIdentifiable
from workbench.fitting.solving.objectives import objective_named
from workbench.fitting.uncertainty.fitted import Fitted
from workbench.fitting.uncertainty.groups import clusters
from workbench.fitting.uncertainty.profile import walk
from workbench.fitting.uncertainty.sandwich import covariance
from workbench.fitting.uncertainty.weighting import compute_of

SHOWN = 5
"""The most influential runs that are named."""

LARGE = 1.0
"""Cook's distance from which a run is named: it moves theta as far as the edge of a 50% region (Cook 1977)."""

REJECT = 0.01
"""p below which noise is called uneven."""

EXACT = 1e-24
"""Squares of misses below this are rounding: a law met exactly has no profile."""

MET = 0.9
"""Where a walk ends with less than this share of the wanted statistic, a bound stopped it."""


@dataclass(frozen=True)
class Diagnosis:
    """The diagnostics of one fit."""

    influence: pd.DataFrame
    """One row a point, the most influential first: its labels, residual, leverage, studentised residual, Cook's
    distance, and dfbeta_… (by how many standard errors each entry of theta moves without it)."""
    errors: pd.DataFrame
    """Standard errors of the entries of theta: `sandwich` (this room's), and of least squares on the linearised law
    `hc3`, `cluster` (where seeds are replicated) and `equal` (one variance)."""
    evenness: pd.DataFrame
    """Tests of one variance: test, statistic, p."""
    profile: pd.DataFrame
    """The profile interval of each entry of theta, the share of its range that it takes, and whether a bound, its
    own or another's, ends it before the data do."""
    warnings: tuple[str, ...]

    def summary(self) -> str:
        """As a page of text."""
        shown = [name for name in ("run_id", "n", "d", "c", "residual", "leverage", "studentised", "cook") if name in
                 self.influence]  # fmt: skip
        parts = [
            "Most influential runs",
            self.influence[shown].head(SHOWN).to_string(float_format=lambda x: f"{x:.4g}"),
            "\nStandard errors of theta",
            self.errors.to_string(float_format=lambda x: f"{x:.4g}"),
            "\nProfiles of theta (centred), against the range allowed",
            self.profile.to_string(float_format=lambda x: f"{x:.4g}"),
            "\nIs the noise of one variance?",
            self.evenness.to_string(index=False, float_format=lambda x: f"{x:.3g}"),
            "",
            *self.warnings,
        ]
        return "\n".join(parts)

    def to_dict(self) -> dict[str, Any]:
        """As JSON types; of the runs, the most influential."""
        return {
            "influence": self.influence.head(SHOWN).to_dict("records"),
            "errors": self.errors.to_dict(),
            "evenness": self.evenness.to_dict("records"),
            "profile": self.profile.to_dict("index"),
            "warnings": list(self.warnings),
        }


def diagnose(fit: Fit) -> Diagnosis:
    """The diagnostics of a fit of a law of single runs."""
    fitted = refitted(fit)
    if fitted.free < 2:
        raise NotIdentifiable(
            f"{fit.law} has {fit.n_points} points for {fitted.prepared.free} parameters: no residuals are left to test."
        )
    if not fitted.estimated:
        raise NotIdentifiable(f"{fit.law} has no parameter that is free: each is held or at a bound.")
    with warnings.catch_warnings():
        # statsmodels says of every run that the jacobian is singular; it is said once, with the names.
        warnings.filterwarnings("ignore", message=".*rank-deficient.*")
        influence, errors, evenness = _influence(fit, fitted), _errors(fitted), _evenness(fitted)
    flat = _profile(fitted)
    return Diagnosis(
        influence=influence,
        errors=errors,
        evenness=evenness,
        profile=flat,
        warnings=(
            *_named(influence),
            *_uneven(fitted, evenness),
            *_open(fitted, flat),
            *_singular(fitted),
            *misfits(fitted),
            *alike(fitted, fit.interval_method),
            *poor(fitted),
            *outlying(fitted),
            *copied(fitted),
        ),
    )


def refitted(fit: Fit) -> Fitted:
    """The fit as methods of uncertainty see it, from its residuals and its theta."""
    if fit.law not in LAWS or "theta" not in fit.diagnostics:
        raise BadInput(f"{fit.law} is no fit of a law of single runs; diagnose takes one of {', '.join(LAWS)}.")
    if fit.residuals.empty:
        raise BadInput("this fit was read from a record, which leaves out its runs; fit the table again.")
    goal = objective_named(fit.objective, fit.delta or 1e-3)
    prepared = prepare(fit.residuals.drop(columns=["predicted", "residual"]), fit.configured_law, goal, fit.convention)
    theta_P = np.array(fit.diagnostics["theta"], dtype=np.float64)
    prepared = replace(prepared, held=tuple(fit.diagnostics.get("held", ())))
    return Fitted(prepared, theta_P, theta_P[None], fit.level)


def linear_model(fitted: Fitted) -> Any:
    """statsmodels' weighted least squares of the law linearised at the optimum: misses on the jacobian."""
    import statsmodels.api as sm

    names = [fitted.prepared.law.theta_names[i] for i in fitted.estimated]
    j = pd.DataFrame(fitted.gradient_MQ, columns=names)
    return sm.WLS(fitted.miss_M, j, weights=fitted.weight_M)


def _influence(fit: Fit, fitted: Fitted) -> pd.DataFrame:
    """Of least squares, whatever the objective was: which runs would move it, and by how much.

    In closed form (Belsley, Kuh & Welsch 1980, section 2.1): no run is left out in turn.
    """
    root_M = np.sqrt(fitted.weight_M)
    names = [fitted.prepared.law.theta_names[i] for i in fitted.estimated]
    j_MQ, miss_M = fitted.gradient_MQ * root_M[:, None], fitted.miss_M * root_M
    inverse_QM = np.linalg.pinv(j_MQ)
    residual_M = miss_M - j_MQ @ (inverse_QM @ miss_M)
    free = len(miss_M) - int(np.linalg.matrix_rank(j_MQ))
    leverage_M = np.einsum("mq,qm->m", j_MQ, inverse_QM)
    table = fit.residuals.reset_index(drop=True).copy()
    table["leverage"] = leverage_M
    with np.errstate(invalid="ignore", divide="ignore"):
        left_M = residual_M / (1 - leverage_M)
        square = float(residual_M @ residual_M) / free
        square_without_M = (free * square - residual_M * left_M) / (free - 1)
        table["studentised"] = residual_M / np.sqrt(square_without_M * (1 - leverage_M))
        table["cook"] = left_M**2 * leverage_M / (square * len(names))
        spread_Q = np.sqrt(np.diag(inverse_QM @ inverse_QM.T))
        for q, name in enumerate(names):
            table[f"dfbeta_{name}"] = inverse_QM[q] * left_M / (np.sqrt(square_without_M) * spread_Q[q])
    return table.sort_values("cook", ascending=False, kind="stable")


def _errors(fitted: Fitted) -> pd.DataFrame:
    """Standard errors, this room's beside statsmodels'."""
    cluster_M = clusters(fitted.prepared.table)
    own_QQ, _ = covariance(fitted, cluster_M)
    model = linear_model(fitted)
    plain = model.fit()
    found = pd.DataFrame(
        {"sandwich": np.sqrt(np.diag(own_QQ)), "hc3": plain.get_robustcov_results("HC3").bse, "equal": plain.bse},
        index=plain.params.index,
    )
    _, code_M = np.unique(cluster_M, return_inverse=True)
    if len(plain.params) < code_M.max() + 1 < len(code_M):
        found["cluster"] = model.fit(cov_type="cluster", cov_kwds={"groups": code_M}).bse
    return found


def _evenness(fitted: Fitted) -> pd.DataFrame:
    """Tests of one variance: does it go with ln N, ln D, ln C (Breusch–Pagan), or with their products (White)?"""
    from statsmodels.stats.diagnostic import het_breuschpagan, het_white

    miss_M = fitted.miss_M * np.sqrt(fitted.weight_M)
    axes = _axes(fitted)
    rows = []
    for name, x_M in axes.items():
        statistic, p, *_ = het_breuschpagan(miss_M, np.column_stack([np.ones_like(x_M), x_M]))
        rows.append((f"Breusch–Pagan in {name}", float(statistic), float(p)))
    # ln C is as a rule the sum of the other two: White's test takes what is linearly independent.
    kept = [x_M for name, x_M in axes.items() if name != "ln C"] or list(axes.values())
    if kept and len(miss_M) > 2 * (len(kept) + 1) * (len(kept) + 2) / 2:
        statistic, p, *_ = het_white(miss_M, np.column_stack([np.ones(len(miss_M)), *kept]))
        rows.append(("White", float(statistic), float(p)))
    return pd.DataFrame(rows, columns=["test", "statistic", "p"])


def _profile(fitted: Fitted) -> pd.DataFrame:
    """Both ends of the profile of each estimated entry of theta."""
    law, entries = fitted.prepared.law, fitted.estimated
    columns = ["low", "high", "share", "at_bound"]
    if not entries or float((fitted.miss_M**2).max()) < EXACT:
        return pd.DataFrame(columns=columns)
    edge = walk([fitted], [lambda theta_SP, i=i: theta_SP[:, i] for i in entries])  # type: ignore[misc]
    low_P, high_P = law.bounds_2P
    rows = {}
    for k, entry in enumerate(entries):
        low, high = np.sort(edge.theta_SP[2 * k : 2 * k + 2, entry])
        share = (high - low) / (high_P[entry] - low_P[entry])
        rows[law.theta_names[entry]] = (low, high, share, bool((edge.root_S[2 * k : 2 * k + 2] < MET).any()))
    return pd.DataFrame.from_dict(rows, orient="index", columns=columns)


def _open(fitted: Fitted, flat: pd.DataFrame) -> list[str]:
    """A sentence on the entries whose profile is flat."""
    law = fitted.prepared.law
    exponents = {law.theta_names[entry] for entry in law.nonlinear}
    names = [name for name, row in flat.iterrows() if row["at_bound"] or (name in exponents and row["share"] > OPEN)]
    if not names:
        return []
    return [
        f"The profile is flat along {', '.join(map(str, names))}: the interval reaches a bound, or takes more than "
        f"{100 * OPEN:.0f}% of the range that {law.name} allows."
    ]


def _singular(fitted: Fitted) -> list[str]:
    """A sentence where the jacobian is singular, so that influence and standard errors are of a pseudo-inverse."""
    free = fitted.estimated
    if not flat_direction(fitted.prepared.problem, fitted.best_P, free):
        return []
    names = ", ".join(fitted.prepared.law.theta_names[entry] for entry in free)
    return [
        f"The runs cannot tell {names} apart: some combination of them changes no prediction. Influence and standard "
        "errors are of the others alone and say nothing of it."
    ]


def _axes(fitted: Fitted) -> dict[str, Array]:
    """Centred logarithms of what the table has of N, D and C."""
    columns = fitted.prepared.columns
    found = {f"ln {name.upper()}": np.log(columns[name].astype(np.float64)) for name in ("n", "d") if name in columns}
    ln_c_M = compute_of(fitted)
    if ln_c_M is not None:
        found["ln C"] = ln_c_M
    return {name: x_M - x_M.mean() for name, x_M in found.items() if np.ptp(x_M) > 0}


def _named(influence: pd.DataFrame) -> list[str]:
    """A sentence that names the runs with a large Cook's distance."""
    large = influence[influence["cook"] > LARGE].head(SHOWN)
    if large.empty:
        return []
    runs = ", ".join(_name(row) for _, row in large.iterrows())
    return [f"Single runs decide the fit (Cook's distance above {LARGE:g}): {runs}. See what it says without them."]


def _name(row: pd.Series) -> str:
    """A run by its id, or by its size and tokens."""
    if isinstance(row.get("run_id"), str):
        return str(row["run_id"])
    at = [f"{name.upper()} = {row[name]:.3g}" for name in ("n", "d", "c") if name in row and pd.notna(row[name])]
    return f"the run at {', '.join(at)}" if at else f"row {row.name}"


def _uneven(fitted: Fitted, evenness: pd.DataFrame) -> list[str]:
    """A sentence where the noise is not of one variance."""
    if evenness.empty or not evenness["p"].min() * len(evenness) < REJECT:
        return []
    clearest = evenness.iloc[int(evenness["p"].argmin())]
    where = "with compute or size" if clearest["test"] == "White" else f"with {clearest['test'].split(' in ')[1]}"
    ln_c_M = compute_of(fitted)
    how = ""
    if ln_c_M is not None:
        # log of the squares, pulled towards the middle, as a rough slope for the reader.
        half_M = ln_c_M >= np.median(ln_c_M)
        low, high = (100 * float(np.sqrt(np.mean(fitted.miss_M[part] ** 2))) for part in (~half_M, half_M))
        how = f" ({low:.2g}% in the lower half of the compute, {high:.2g}% in the upper)"
    return [
        f"The noise is not of one variance: it goes {where}{how}, p = {clearest['p']:.1g}; "
        "noise='by-compute' weighs runs by it, and intervals='wild' or 'cases' need no equal noise."
    ]
