"""The parts of the scaling report on what the laws say: the losses, how compute divides, forecasts."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from workbench.analyses import scaling_tables as tables
from workbench.analyses.backtest_words import missed_by_distance
from workbench.analyses.scaling import MULTIPLES, ScalingStudy, minima_of
from workbench.analyses.scaling_judged import Diagnosed
from workbench.analyses.scaling_runs import evaluated
from workbench.analyses.scaling_words import settled
from workbench.fitting import Fit, FitSet
from workbench.fitting.determined import UNDETERMINED
from workbench.fitting.isoflop.budgets import budgets
from workbench.fitting.isoflop.curves import SHAPES
from workbench.fitting.record import CONVENTION_LABELS
from workbench.reporting import figures, formats
from workbench.reporting.document import Block, Bullets, Column, Figure, Table, Text
from workbench.reporting.figures.pieces import plural

ALLOCATION_COLUMNS = (
    Column("flops", "C [FLOPs]", "power"),
    Column("approach", "approach"),
    Column("convention", "N counted"),
    Column("n", "N_opt", "count"),
    Column("n_interval", "interval", "interval-count"),
    Column("d", "D_opt", "count"),
    Column("d_interval", "interval", "interval-count"),
    Column("loss", "loss", "loss"),
    Column("loss_interval", "interval of the law", "interval-loss"),
    Column("run_interval", "of one run", "interval-loss"),
    Column("determined", "determined"),
)


def laws(study: ScalingStudy) -> list[Block]:
    """Loss against compute with the frontier, the isoFLOP curves, L(N, D) and its residuals, the parameters."""
    if study.table.empty:
        return []
    blocks: list[Block] = [_loss_against_compute(study)]
    blocks += _isoflop(study)
    fit = study.fits.get("chinchilla")
    if fit is not None:
        blocks += _surface(fit, study.table)
    return [*blocks, *parameters_table(study.parameters, float(study.settings["level"]))]


def parameters_table(parameters: pd.DataFrame, level: float) -> list[Block]:
    """Every parameter of every fit (`scaling_tables.parameters`)."""
    if parameters.empty:
        return []
    columns = (
        Column("law", "law"),
        Column("convention", "N counted"),
        Column("name", "parameter"),
        Column("value", "estimate", "number4"),
        Column("interval", f"{100 * level:g}% interval", "interval-number4"),
        Column("identified", "identified"),
    )
    caption = "Every parameter of every fit"
    if parameters["value"].isna().any():
        caption += ". Blank: prefactors k whose interval spans over two decades, and what an unidentified fit "
        caption += "leaves open"
    return [Table.of("parameters", caption, parameters, columns, folded=True)]


def _loss_against_compute(study: ScalingStudy) -> Figure:
    curves = evaluated(study)
    frontier = study.frontier[(study.frontier["law"] == "chinchilla") & study.frontier["loss"].notna()]
    frontier = frontier[frontier["flops"] <= study.largest * MULTIPLES[0] * (1 + 1e-9)]
    caption = f"Final loss of {plural(len(study.table), 'run')} against the compute each took"
    caption += ", with the held-out losses along their training behind" if not curves.empty else ""
    if not frontier.empty:
        caption += "; the line is the least loss that the parametric law gives for each compute, with its interval, "
        caption += f"dotted beyond the {study.largest_name}, to {MULTIPLES[0]:g}× it"
    drawn = study.table[["n", "d", "c", "loss"]].reset_index(drop=True)
    figure = figures.loss_against_compute(study.table, curves, frontier)
    return Figure("loss-against-compute", caption + ".", figure, drawn)


def with_budgets(table: pd.DataFrame) -> pd.DataFrame:
    """Runs with the budget each belongs to, by design or by nearness, where at least three share it."""
    if table.empty or not {"n", "c", "loss"} <= set(table.columns):
        return pd.DataFrame(columns=["n", "c", "loss", "budget"])
    points = table.assign(budget=budgets(table)).dropna(subset=["budget"])
    return points[points.groupby("budget")["n"].transform("nunique") >= 3].reset_index(drop=True)


def _isoflop(study: ScalingStudy) -> list[Block]:
    points = with_budgets(study.table)
    if points.empty:
        return []
    fit = study.fits.get("isoflop")
    minima, lines = (None, None) if fit is None else (fit.extra["minima"], fit.extra["curves"])
    many = points["budget"].nunique()
    caption = f"Loss against size at equal compute, {plural(len(points), 'run')} in {plural(many, 'budget')}"
    if fit is not None and minima is not None:
        caption += f"; curves are {SHAPES[fit.diagnostics['shape']].words}, stars their minima"
        if not minima["bracketed"].all():
            caption += ", hollow where the design does not bracket them, so that they are left out of the law"
    drawn = points[["budget", "n", "d", "c", "loss"]].sort_values(["budget", "n"], ignore_index=True)
    blocks: list[Block] = [Figure("isoflop", caption + ".", figures.isoflop(points, minima, lines), drawn)]
    if fit is not None:
        blocks.append(minima_table(fit))
    return blocks


def minima_table(fit: Fit) -> Table:
    """The minimum of each budget, with intervals where residuals were resampled."""
    columns = (
        Column("budget", "budget [FLOPs]", "power"),
        Column("sizes", "sizes", "integer"),
        Column("n_opt", "N_opt", "count"),
        Column("n_opt_interval", "interval", "interval-count"),
        Column("d_opt", "D_opt", "count"),
        Column("d_opt_interval", "interval", "interval-count"),
        Column("ratio", "tokens per parameter", "number"),
        Column("loss_opt", "loss", "number4"),
        Column("bracketed", "bracketed"),
    )
    minima = fit.extra["minima"]
    frame = minima.assign(ratio=minima["d_opt"] / minima["n_opt"])
    caption = "The minimum of each budget"
    if "n_opt_low" not in frame:
        return Table.of("minima", caption, frame, tuple(c for c in columns if not c.key.endswith("_interval")))
    for key in ("n_opt", "d_opt"):
        frame[f"{key}_interval"] = list(zip(frame[f"{key}_low"], frame[f"{key}_high"], strict=True))
    return Table.of("minima", f"{caption}, with {100 * fit.level:g}% intervals", frame, columns)


def missed_together(diagnosed: Diagnosed | None) -> str:
    """That the isoFLOP intervals take every run by itself where the diagnosis says that runs miss together."""
    if diagnosed is None or not diagnosed.shared:
        return ""
    together = " ".join(text.partition(", as if")[0] for text in diagnosed.shared)
    return f"{together}; the isoFLOP intervals resample residuals one by one, so that they are too narrow here."


def _surface(fit: Fit, table: pd.DataFrame) -> list[Block]:
    lines = tables.surface_lines(fit, table)
    drawn = fit.residuals
    spread = float(np.sqrt(np.mean(drawn["residual"] ** 2)))
    caption = (
        f"Loss against tokens: {plural(len(drawn), 'run')}, and the fitted L(N, D) along D at "
        f"{plural(lines['n'].nunique(), 'size')}."
    )
    missed = (
        f"What the parametric law misses: the loss of {plural(len(drawn), 'run')} relative to what it predicts; the "
        f"root mean square is {formats.percent(spread)}. A trend in any panel would mean a law of the wrong form."
    )
    shown = drawn[["n", "d", "c", "loss", "predicted", "residual"]]
    return [
        Figure("surface", caption, figures.law_lines(drawn, lines), shown[["n", "d", "loss"]]),
        Figure("residuals", missed, figures.residuals(drawn), shown),
    ]


def allocation(study: ScalingStudy) -> list[Block]:
    """N_opt and D_opt against compute, and the exponents beside the published ones."""
    if not (study.exponents["source"] == tables.OURS).any():
        return []
    said = missed_together(study.judged.diagnosed) if study.fits.get("isoflop") is not None else ""
    shown: list[Block] = [] if study.frontier.empty else [_optimum(study)]
    shown.append(exponents_table(study.exponents))
    return [*shown, Text(said, note=True)] if said else shown


def exponents_table(exponents: pd.DataFrame) -> Table:
    """The exponents of every approach and convention, and the published ones."""
    columns = (
        Column("source", "source"),
        Column("approach", "approach"),
        Column("convention", "N counted"),
        Column("a", "a", "number"),
        Column("a_interval", "interval of a", "interval"),
        Column("b", "b", "number"),
        Column("b_interval", "interval of b", "interval"),
        Column("level", "level", "level"),
        Column("identified", "identified"),
    )
    caption = (
        "Exponents of N_opt ∝ C^a and D_opt ∝ C^b under every approach and convention, and the published ones, whose "
        "corpora and sizes differ"
    )
    frame = exponents.copy()
    if odd := [row for row, one in enumerate(frame.to_dict("records")) if _misses_its_interval(one)]:
        frame.loc[odd, "source"] += ", as printed"
        caption += ". As printed: rounding puts the estimate outside its interval"
    frame["identified"] = frame["identified"].replace({True: "yes", False: UNDETERMINED})
    return Table.of("exponents", caption, frame, columns)


def _misses_its_interval(row: Mapping[Any, Any]) -> bool:
    """Whether a published estimate lies outside the interval beside it."""
    if row["source"] == tables.OURS:
        return False
    return any(low > row[key] or high < row[key] for key in ("a", "b") for low, high in [row[f"{key}_interval"]])


def _optimum(study: ScalingStudy) -> Figure:
    caption = (
        f"Compute-optimal size and data against compute, from {plural(len(study.table), 'run')}, by "
        f"{plural(study.frontier['law'].nunique(), 'law')}; bands are {100 * study.settings['level']:g}% intervals. "
        "Right of the dashed line everything is extrapolated."
    )
    figure = figures.optimum(study.frontier, minima_of(study.fits), study.largest, study.largest_name)
    return Figure("optimum", caption, figure, study.frontier)


def forecasts(study: ScalingStudy) -> list[Block]:
    """Compute-optimal N, D and loss at 10× and 100× the largest budget."""
    if study.forecasts.empty:
        return []
    frame = study.forecasts.copy()
    for key in ("n", "d", "loss", "run"):
        frame[f"{key}_interval"] = list(zip(frame[f"{key}_low"], frame[f"{key}_high"], strict=True))
    frame["approach"] = frame["law"].map(tables.APPROACHES)
    records = frame.to_dict("records")
    for decided, keys in (("n", ("n", "d")), ("loss", ("loss", "run"))):
        known = [settled(row, decided) for row in records]
        for key in keys:
            ends = frame[f"{key}_interval"]
            frame[f"{key}_interval"] = [one if said else tables.UNKNOWN for one, said in zip(ends, known, strict=True)]
            if key in frame:
                frame[key] = frame[key].where(pd.Series(known, index=frame.index))
    frame["determined"] = frame["determined"].map({True: "yes", False: "not determined"})
    frame = frame.sort_values(["multiple", "convention", "approach"], ignore_index=True)
    frame["convention"] = frame["convention"].map(lambda name: CONVENTION_LABELS.get(name, name))
    caption = (
        f"Compute-optimal allocation at 10 and 100 times the {study.largest_name}, {formats.power(study.largest)} "
        f"FLOPs, with {100 * study.settings['level']:g}% intervals"
    )
    columns = ALLOCATION_COLUMNS if (frame["determined"] != "yes").any() else ALLOCATION_COLUMNS[:-1]
    return [Table.of("forecasts", caption, frame, columns), Text(_what_forecasts_mean(study))]


def _what_forecasts_mean(study: ScalingStudy) -> str:
    """What the intervals cover, which rows are no advice, how far forecasts were tested."""
    note = (
        "Only a law of L(N, D) forecasts a loss; the isoFLOP minima and the envelope give sizes. The interval of the "
        "law covers the uncertainty of its parameters; that of one run adds the noise of a single training."
    )
    furthest = study.forecasts[study.forecasts["multiple"] == study.forecasts["multiple"].max()]
    losses = furthest.loc[furthest["convention"] == "n", "loss"].dropna()
    if len(losses) > 1:
        low, high = (formats.show(float(end), "loss") for end in (losses.min(), losses.max()))
        note += f" At {furthest['multiple'].iloc[0]:g}× the laws' losses go from {low} to {high}: forms that are alike "
        note += "within the runs part beyond them, which no interval covers."
    if not study.forecasts["determined"].all():
        note += " Not determined: these runs do not fix the law, the interval of N_opt spans more than two decades, or "
        note += "that of one run's loss a factor of two; "
        note += "no number is given there."
    distant = study.judged.backtests
    if distant is not None:
        note += f" Back-tests of the parametric law: {missed_by_distance(distant)}"
        note += "; nothing was tested further out." if distant.furthest < MULTIPLES[-1] else "."
    return note


CONVENTION_COLUMNS = (
    Column("convention", "N counted"),
    Column("a", "a", "number"),
    Column("a_interval", "interval of a", "interval"),
    Column("b", "b", "number"),
    Column("b_interval", "interval of b", "interval"),
    Column("n", "N_opt", "count"),
    Column("d", "D_opt", "count"),
    Column("loss", "loss", "loss"),
    Column("identified", "identified"),
)


def conventions(study: ScalingStudy) -> list[Block]:
    """The answer under each count of N, and what N, D, C and the loss are in these numbers."""
    return [*stated_conventions(study.fits), *_side_by_side(study)]


def stated_conventions(fits: FitSet) -> list[Block]:
    """What the fits say that N, D, C and the loss are, and under which counts of N they were made."""
    stated: dict[str, str] = {}
    for fit in fits:
        stated |= {key: text for key, text in fit.conventions.items() if key != "fitted N"}
    counted = sorted({CONVENTION_LABELS.get(fit.convention, fit.convention) for fit in fits})
    items = tuple(f"{key}: {text}" for key, text in stated.items())
    if counted:
        items += (f"Fitted under N counted as: {', '.join(counted)}.",)
    return [Bullets(items)] if items else []


def _side_by_side(study: ScalingStudy) -> list[Block]:
    """One row a count of N: the headline's law and its optimum at the first multiple."""
    if study.headline is None or study.forecasts.empty:
        return []
    law = study.headline.law
    rows = []
    for fit in study.fits:
        if fit.law != law:
            continue
        row: dict[str, Any] = {"convention": CONVENTION_LABELS.get(fit.convention, fit.convention)}
        row |= {**tables.settled(fit, "a"), **tables.settled(fit, "b")}
        frame = study.forecasts
        mine = frame[(frame["law"] == law) & (frame["convention"] == fit.convention)]
        if len(mine):
            found = mine.iloc[0].to_dict()
            row |= {key: found[key] if settled(found, key) else float("nan") for key in ("n", "d", "loss")}
        rows.append({**row, "identified": "yes" if fit.identified else UNDETERMINED})
    caption = (
        f"{tables.APPROACHES.get(law, law)}: the same runs under each count of N, and the optimum at {MULTIPLES[0]:g}× "
        f"the {study.largest_name}. Non-embedding counts shrink small models most, so their a comes out larger"
    )
    return [Table.of("conventions", caption, pd.DataFrame(rows), CONVENTION_COLUMNS)]
