"""How many times the compute of one group of runs another needs for the same loss, and whether that is one number.

The groups share the exponents of one law (`laws.shared_exponents`), each with its own amplitudes, and its own
irreducible loss unless one is asked for. The compute for a loss is read off the frontiers; beside it stand a law fitted
to each group alone, a test of what they share, and the points of the same N and D compared without a law.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from workbench.analyses.comparable import Side, together
from workbench.analyses.compare_groups import differences
from workbench.errors import BadInput
from workbench.fitting import Fit, fit
from workbench.fitting.forecasts.cost import Cost
from workbench.fitting.forecasts.surface import Estimate
from workbench.fitting.groups import pairs
from workbench.fitting.groups.costs import costs
from workbench.fitting.groups.frontiers import Frontier, times
from workbench.fitting.groups.nested import Ladder, ladder
from workbench.fitting.groups.pairs import Paired
from workbench.fitting.laws.base import Array
from workbench.fitting.prepared import prepare
from workbench.fitting.solving.objectives import objective_named
from workbench.fitting.uncertainty.fitted import Fitted
from workbench.fitting.uncertainty.methods import automatic

OWN_E, ONE_E = "shared-exponents-corpora", "shared-exponents"
"""The two laws: an irreducible loss of each group, or one."""

AT, LINE = 5, 41
"""Losses of the table, the middle one the headline's, and of the figure's line."""

NOT_REJECTED = 0.05
"""p of the F test below which groups are said not to share."""


@dataclass(frozen=True)
class Comparison:
    """Groups held against the first of them."""

    groups: tuple[str, ...]
    """The reference first."""
    table: pd.DataFrame
    """The canonical table of all, told apart by `group`."""
    measure: str
    """`loss` or `bpb`."""
    law: Fit
    """The law with shared exponents."""
    together: bool
    """Whether its runs of one size or budget miss together, of which the F test of the ladder knows nothing."""
    costs: dict[str, Cost]
    frontiers: dict[str, Frontier]
    overlap: bool
    """Whether there are losses that all groups' frontiers reach within their compute; else the numbers extrapolate."""
    at_losses: pd.DataFrame
    """group, loss, flops_ref, flops, times, low, high at losses evenly spaced in the reference's log compute."""
    line: pd.DataFrame
    """The same, denser."""
    alone: dict[str, Fit | str]
    """Chinchilla's law of each group alone, or why there is none."""
    ladder: Ladder
    paired: dict[str, Paired]
    """Each group but the reference beside it at equal N and D; those without such a point are missing."""
    differences: pd.DataFrame
    """A row for each key of the configurations in which the groups differ, where they are of stores."""
    notes: tuple[str, ...] = ()

    @property
    def reference(self) -> str:
        """The first group."""
        return self.groups[0]

    @property
    def others(self) -> tuple[str, ...]:
        """The groups held against it."""
        return self.groups[1:]

    def middle(self, group: str) -> Estimate:
        """Times the compute at the middle of the losses."""
        row = self._rows(group).iloc[AT // 2]
        return Estimate(float(row["times"]), (float(row["low"]), float(row["high"])))

    def ends(self, group: str) -> tuple[float, float]:
        """Times the compute at the highest and the lowest of the losses."""
        rows = self._rows(group)["times"]
        return float(rows.iloc[0]), float(rows.iloc[-1])

    @property
    def losses(self) -> tuple[float, float, float]:
        """The highest, the middle and the lowest of the losses."""
        rows = self._rows(self.others[0])["loss"]
        return float(rows.iloc[0]), float(rows.iloc[AT // 2]), float(rows.iloc[-1])

    @property
    def one_number(self) -> bool:
        """Whether the law makes the multiple the same at every loss: by one E, for the cost has one tilt."""
        return self.law.law == ONE_E

    def _rows(self, group: str) -> pd.DataFrame:
        return self.at_losses[self.at_losses["group"] == group]


def compare(
    sides: Sequence[Side],
    measure: str = "loss",
    share_e: bool = False,
    convention: str = "n",
    resamples: int = 1000,
    seed: int = 0,
    level: float = 0.95,
) -> Comparison:
    """Compare groups of runs with the first; raises `BadInput` where their losses are not of one thing."""
    table, matched = together(sides, measure)
    groups = tuple(side.name for side in sides)
    if convention not in table or table[convention].isna().any():
        raise BadInput(f"not every run has the count of N that is asked for ({convention}); compare by the other one.")
    law, method = shared_law(table, share_e, convention, resamples, seed, level)
    paid = costs(table, groups, convention)
    frontiers = {group: Frontier.of(law, group, paid[group]) for group in groups}
    highest, lowest, overlap = common(table, groups, frontiers)
    found = ladder(table, groups, convention)
    alone = {group: _alone(table[table["group"] == group], convention, resamples, seed, level) for group in groups}
    return Comparison(
        groups,
        table,
        measure,
        law,
        method == "groups",
        paid,
        frontiers,
        overlap,
        _multiples(groups, frontiers, _spaced(frontiers[groups[0]], highest, lowest, AT), law.cut),
        _multiples(groups, frontiers, _spaced(frontiers[groups[0]], highest, lowest, LINE), law.cut),
        alone,
        found,
        paired(table, groups, convention, found, paid, level) if _of_one_text(matched) else {},
        differences({side.name: side.runs for side in matched if side.runs is not None}),
        _notes(table),
    )


def shared_law(
    table: pd.DataFrame, share_e: bool, convention: str = "n", resamples: int = 1000, seed: int = 0, level: float = 0.95
) -> tuple[Fit, str]:
    """The law with shared exponents, its draws those of a bootstrap: an interval of any function of them is right.

    The profile, which `auto` would take, holds for the functions that it walked; in its place residuals are resampled.
    Second is the method's name.
    """
    name = ONE_E if share_e else OWN_E
    point = fit(table, name, convention=convention, resamples=0, seed=seed, level=level)
    prepared = prepare(table, point.configured_law, objective_named("huber", 1e-3), convention)
    theta_P = np.array(point.diagnostics["theta"])
    chosen = automatic(Fitted(prepared, theta_P, theta_P[None], level))
    method = "residuals" if chosen == "profile" else chosen
    law = fit(table, name, convention=convention, resamples=resamples, seed=seed, level=level, intervals=method)
    return law, method


def common(table: pd.DataFrame, groups: Sequence[str], frontiers: dict[str, Frontier]) -> tuple[float, float, bool]:
    """The highest and the lowest loss that every frontier reaches within its group's compute, and if there is one."""
    spans = table.groupby("group")["c"].agg(["min", "max"]).loc[list(groups)]
    starts, ends = [], []
    for group in groups:
        first, last = frontiers[group].loss(spans.loc[group].to_numpy(dtype=np.float64))[0]
        starts.append(float(first))
        ends.append(float(last))
    highest, lowest = min(starts), max(ends)
    if highest > lowest:
        return highest, lowest, True
    return max(starts), min(ends), False


def _spaced(reference: Frontier, highest: float, lowest: float, many: int) -> Array:
    """Losses evenly spaced in the reference's log compute, the highest first; in the loss where it reaches not all."""
    first, last = reference.log_compute(np.array([highest, lowest]))[0]
    if np.isfinite(last):
        return np.asarray(reference.loss(np.exp(np.linspace(first, last, many)))[0])
    return np.linspace(highest, lowest, many)


def middle_loss(reference: Frontier, highest: float, lowest: float) -> float:
    """The middle of the losses, at which the answer stands."""
    return float(_spaced(reference, highest, lowest, AT)[AT // 2])


def _multiples(groups: Sequence[str], frontiers: dict[str, Frontier], losses: Array, cut: float) -> pd.DataFrame:
    """One row a group and loss."""
    reference = frontiers[groups[0]]
    rows = []
    for group in groups[1:]:
        ratios = times(frontiers[group], reference, losses, cut)
        mine, theirs = (np.exp(one.log_compute(losses)[0]) for one in (frontiers[group], reference))
        rows += [
            (group, float(loss), float(flops_ref), float(flops), one.value, *one.interval)
            for loss, flops_ref, flops, one in zip(losses, theirs, mine, ratios, strict=True)
        ]
    return pd.DataFrame(rows, columns=["group", "loss", "flops_ref", "flops", "times", "low", "high"])


def _alone(table: pd.DataFrame, convention: str, resamples: int, seed: int, level: float) -> Fit | str:
    try:
        return fit(
            table.drop(columns="group").reset_index(drop=True), "chinchilla", convention=convention,
            resamples=resamples, seed=seed, level=level,
        )  # fmt: skip
    except BadInput as error:
        return str(error)


def paired(
    table: pd.DataFrame, groups: Sequence[str], convention: str, found: Ladder, paid: dict[str, Cost], level: float
) -> dict[str, Paired]:
    """The groups at equal N and D; in compute by the E and γ of the law that shares both."""
    params = found.params.get(ONE_E, {})
    floor = params.get("E", np.nan)
    reference = groups[0]
    steep = 1 + paid[reference].tilt  # as on the frontiers
    gamma = params["alpha"] * params["beta"] / (params["alpha"] + steep * params["beta"]) if params else np.nan
    result = {}
    for group in groups[1:]:
        points = pairs.points(table, group, reference, convention)
        if len(points):
            result[group] = pairs.compared(points, level, floor, gamma, paid[group].k / paid[reference].k)
    return result


def _of_one_text(sides: Sequence[Side]) -> bool:
    """Whether equal N and D are equal things: by another tokenizer D is another text, and N has other embeddings."""
    prints = {text for side in sides if side.runs is not None for text in side.runs["corpus_fingerprint"]}
    return len(prints) < 2


def _notes(table: pd.DataFrame) -> tuple[str, ...]:
    notes = list(table.attrs.get("notes", ()))
    if "run_id" in table and (many := int(table["run_id"].dropna().duplicated().sum())):
        notes.append(f"{many} runs are in more than one of the groups, and count in each.")
    return tuple(notes)
