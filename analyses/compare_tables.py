"""A comparison as figures and tables: what the page shows and the report holds."""

import numpy as np
import pandas as pd

from workbench.analyses.comparable import MEASURES
from workbench.analyses.compare import Comparison
from workbench.analyses.compare_words import called, percent
from workbench.fitting import Fit
from workbench.reporting import figures
from workbench.reporting.document import Block, Column, Figure, Table
from workbench.reporting.figures.pieces import plural

AXES = {"loss": "loss", "flops": "flops_ref"}
"""What the multiples may be drawn against → their column."""

DENSE = 61
"""Computes of each frontier."""

TIMES = (
    Column("group", "group"),
    Column("loss", "loss", "loss"),
    Column("flops_ref", "C of the reference", "power"),
    Column("flops", "C of the group", "power"),
    Column("times", "times", "number"),
    Column("interval", "interval", "interval-number"),
)
GROUPS = (
    Column("group", "group"),
    Column("runs", "runs", "integer"),
    Column("n", "N", "interval-count"),
    Column("d", "D", "interval-count"),
    Column("c", "C [FLOPs]", "interval-power"),
    Column("loss", "best loss", "loss"),
    Column("k", "FLOPs per N·D", "number"),
)
LADDER = (
    Column("shares", "what the groups share"),
    Column("free", "parameters", "integer"),
    Column("rms", "rms of ln L", "percent"),
    Column("f", "F against a law each", "number"),
    Column("p", "p", "number"),
    Column("behind", "log score behind", "number"),
    Column("behind_se", "± standard error", "number"),
)
FITS = (
    Column("name", "parameter"),
    Column("group", "group"),
    Column("alone", "alone", "number4"),
    Column("alone_interval", "interval", "interval-number4"),
    Column("shared", "shared exponents", "number4"),
    Column("shared_interval", "interval", "interval-number4"),
)
PAIRS = (
    Column("group", "group"),
    Column("n", "N", "count"),
    Column("d", "D", "count"),
    Column("loss", "loss", "number4"),
    Column("loss_ref", "loss of the reference", "number4"),
    Column("difference", "difference of ln L", "signed"),
    Column("runs", "runs", "integer"),
    Column("runs_ref", "runs of the reference", "integer"),
)


def frontiers(found: Comparison) -> pd.DataFrame:
    """group, flops, loss, low, high, and whether the group has runs of such compute."""
    first, last = float(found.table["c"].min()), float(found.table["c"].max())
    rows = []
    for group in found.groups:
        own = found.table.loc[found.table["group"] == group, "c"]
        ends = [float(own.min()), float(own.max())]
        flops = np.unique(np.concatenate([np.geomspace(first, last, DENSE), ends]))
        loss_SL = found.frontiers[group].loss(flops)
        known = len(loss_SL) > 20
        cut = found.law.cut
        low, high = np.nanquantile(loss_SL[1:], [cut, 1 - cut], axis=0) if known else np.full((2, len(flops)), np.nan)
        inside = (flops >= ends[0]) & (flops <= ends[1])
        rows.append(
            pd.DataFrame(
                {"group": group, "flops": flops, "loss": loss_SL[0], "low": low, "high": high, "inside": inside}
            )
        )
    return pd.concat(rows, ignore_index=True)


def losses_figure(found: Comparison) -> Figure:
    """Every run, and the frontiers."""
    lines = frontiers(found)
    counts = found.table["group"].value_counts()
    many = ", ".join(f"{called(group)} {plural(int(counts[group]), 'run')}" for group in found.groups)
    caption = (
        f"Loss against compute, {many}; lines are the least loss of the law with shared exponents at each compute, "
        f"bands its {percent(found)} intervals, dotted beyond the runs of the group."
    )
    points = found.table[["group", *(["run_id"] if "run_id" in found.table else []), "n", "d", "c", "loss"]]
    drawn = figures.compared_losses(points, lines, f"held-out loss [{MEASURES[found.measure]}]")
    return Figure("compare-losses", caption, drawn, points)


def times_figure(found: Comparison, x: str = "loss") -> Figure:
    """The compute over the reference's."""
    unit = f"loss [{MEASURES[found.measure]}]" if x == "loss" else f"compute of {called(found.reference)} [FLOPs]"
    drawn = figures.compared_times(found.line, AXES[x], unit, found.reference)
    names = " and ".join(called(group) for group in found.others)
    reached = "the losses that all groups reach" if found.overlap else "losses that not all groups reach: extrapolated"
    caption = (
        f"Compute that {names} needs over that of {called(found.reference)} for the same loss, over {reached}; "
        f"{percent(found)} intervals, {plural(len(found.table), 'run')}. Below 1 less is needed."
    )
    return Figure("compare-times", caption, drawn, found.line)


def times_table(found: Comparison) -> Table:
    """The multiples at a few losses."""
    frame = found.at_losses.copy()
    frame["interval"] = frame[["low", "high"]].to_numpy().tolist()
    caption = (
        f"Compute over that of {called(found.reference)} for the same loss [{MEASURES[found.measure]}], with "
        f"{percent(found)} intervals ({found.law.interval_method})"
    )
    return Table.of("compare-times", caption, frame.drop(columns=["low", "high"]), TIMES)


def groups_table(found: Comparison) -> Table:
    """What each group has."""
    rows = []
    for group in found.groups:
        mine = found.table[found.table["group"] == group]
        spans = {name: [float(mine[name].min()), float(mine[name].max())] for name in ("n", "d", "c")}
        rows.append({"group": group, "runs": len(mine), **spans, "loss": float(mine["loss"].min()), "k": _rate(mine)})
    caption = f"The groups, the reference first; losses in {MEASURES[found.measure]}"
    return Table.of("compare-groups", caption, pd.DataFrame(rows), GROUPS)


def differences_table(found: Comparison) -> list[Block]:
    """What sets the groups apart; nothing where they are no runs of stores, or differ in nothing but their luck."""
    if found.differences.empty:
        return []
    columns = [Column("key", "key"), *(Column(str(name), str(name)) for name in found.differences.columns[1:])]
    caption = "What sets the groups apart: keys of the configuration whose values differ"
    return [Table.of("compare-differences", caption, found.differences, columns)]


def _rate(table: pd.DataFrame) -> float:
    return float(np.exp(np.log(table["c"] / table["n"] / table["d"]).mean()))


def ladder_table(found: Comparison) -> Table:
    """What the groups share, from all to nothing."""
    frame = pd.DataFrame([step.to_dict() for step in found.ladder.steps])
    left = f"; the log score is of {found.ladder.units} left out one at a time" if found.ladder.units else ""
    caption = f"From one law for all to a law for each, by least squares of ln L{left}"
    return Table.of("compare-ladder", caption, frame.drop(columns=["law"]), LADDER)


def fits_table(found: Comparison) -> Table:
    """The law of each group, alone and with shared exponents, side by side."""
    rows = []
    for name in ("E", "A", "B", "alpha", "beta"):
        for group in found.groups:
            alone = found.alone[group]
            own = name if name in found.law.params else f"{name}_{group}"
            row: dict[str, object] = {"name": name, "group": group}
            row |= {"shared": found.law.params[own], "shared_interval": _ends(found.law, own)}
            if isinstance(alone, Fit):
                row |= {"alone": alone.params[name], "alone_interval": _ends(alone, name)}
            rows.append(row)
    caption = f"E + A/N^alpha + B/D^beta of each group, alone and with shared exponents; {percent(found)} intervals"
    return Table.of("compare-fits", caption, pd.DataFrame(rows), FITS)


def _ends(fit: Fit, name: str) -> list[float] | None:
    """An interval, where there is one."""
    ends = fit.intervals.get(name, (np.nan, np.nan))
    return list(ends) if np.isfinite(ends).all() else None


def pairs_table(found: Comparison) -> list[Block]:
    """The points of equal N and D; nothing where there are none."""
    parts = [paired.points.assign(group=group) for group, paired in found.paired.items()]
    if not parts:
        return []
    frame = pd.concat(parts, ignore_index=True)
    caption = f"Points of equal N and D in {called(found.reference)} and another group ({len(frame)})"
    return [Table.of("compare-pairs", caption, frame, PAIRS, folded=True)]
