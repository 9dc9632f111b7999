"""The parts of the scaling report that are about the laws: how fitted, what they say, how far to trust them."""

import numpy as np
import pandas as pd

from workbench.analyses import scaling_tables as tables
from workbench.analyses.scaling import MULTIPLES, ScalingStudy, laws_of, minima_of
from workbench.analyses.scaling_runs import evaluated
from workbench.analyses.scaling_words import backtest_text
from workbench.fitting import LAWS, Fit
from workbench.fitting.isoflop_budgets import budgets
from workbench.fitting.isoflop_curves import SHAPES
from workbench.fitting.record import CONVENTION_LABELS
from workbench.reporting import figures, formats
from workbench.reporting.document import Block, Bullets, Column, Figure, Table, Text
from workbench.reporting.figures.pieces import plural

PROCEDURES = {
    "isoflop": (
        "at each budget a curve of loss against N, by default L = E + p N^−α + q N^β with E, α and β shared by all "
        "budgets; N_opt = k_N C^a and D_opt = k_D C^b run through the minima",
        "Hoffmann et al. 2022 (arXiv 2203.15556), approach 2",
    ),
    "envelope": (
        "N_opt = k_N C^a and D_opt = k_D C^b run through the best run at each compute",
        "Hoffmann et al. 2022 (arXiv 2203.15556), approach 1",
    ),
}
"""Fits that are procedures and not laws of single runs → what they do, and whose they are."""

OBJECTIVES = {
    "huber": "the sum over runs of the Huber loss (δ = {delta:g}) of ln L − ln L̂",
    "lad": "the sum over runs of |ln L − ln L̂|",
    "log-mse": "the mean over runs of (ln L − ln L̂)²",
    "mse": "the mean over runs of (L − L̂)²",
}
"""Objective → what it sums, in words."""

BACKTEST_COLUMNS = ("n", "d", "c", "loss", "predicted", "low", "high", "relative_error")

ALLOCATION_COLUMNS = (
    Column("flops", "C [FLOPs]", "power"),
    Column("approach", "approach"),
    Column("convention", "N counted"),
    Column("n", "N_opt", "count"),
    Column("n_interval", "interval", "interval-count"),
    Column("d", "D_opt", "count"),
    Column("d_interval", "interval", "interval-count"),
    Column("loss", "loss", "loss"),
    Column("loss_interval", "interval", "interval-loss"),
)


def how_fitted(study: ScalingStudy) -> list[Block]:
    """Formula, objective, starts and intervals of every fit under the total count of N."""
    fits = laws_of(tuple(study.fits))
    if not fits:
        return [Text("No law was fitted.", note=True)]
    blocks: list[Block] = [
        Text(
            "All but the envelope are fitted to final losses alone: those of runs whose schedule ended there. "
            + " ".join(study.fits.notes)
        )
    ]
    return [*blocks, Bullets(tuple(_method(fit) for fit in fits))]


def _method(fit: Fit) -> str:
    """One sentence that a methods section could use."""
    law = LAWS.get(fit.law)
    formula, citation = (f"`{law.formula}`", law.citation) if law is not None else PROCEDURES.get(fit.law, ("", ""))
    goal = OBJECTIVES.get(fit.objective, fit.objective)
    goal = goal.format(delta=fit.delta) if fit.delta is not None else goal
    text = f"`{fit.law}`: {formula} ({citation}). Minimised: {goal}; {plural(fit.n_points, 'point')}"
    certificate = fit.diagnostics.get("certificate")
    if certificate is not None:
        found = "certified on " if certificate["dense"] else f"{100 * certificate['agree']:.0f}% agree of "
        text += f"; {found}{certificate['searched']}, {plural(certificate['basins'], 'basin')}"
    return f"{text}; objective {fit.objective_value:.8g}. {100 * fit.level:g}% intervals: {fit.interval_method}."


def laws(study: ScalingStudy) -> list[Block]:
    """Loss against compute with the frontier, the isoFLOP curves, L(N, D) and its residuals, the parameters."""
    if study.table.empty:
        return []
    blocks: list[Block] = [_loss_against_compute(study)]
    blocks += _isoflop(study)
    fit = study.fits.get("chinchilla")
    if fit is not None:
        blocks += _surface(fit, study.table)
    if not study.parameters.empty:
        columns = (
            Column("law", "law"),
            Column("convention", "N counted"),
            Column("name", "parameter"),
            Column("value", "estimate", "number4"),
            Column("interval", f"{100 * study.settings['level']:g}% interval", "interval-number4"),
            Column("identified", "identified"),
        )
        blocks.append(Table.of("parameters", "Every parameter of every fit", study.parameters, columns, folded=True))
    return blocks


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
    if minima is not None:
        columns = (
            Column("budget", "budget [FLOPs]", "power"),
            Column("sizes", "sizes", "integer"),
            Column("n_opt", "N_opt", "count"),
            Column("d_opt", "D_opt", "count"),
            Column("ratio", "tokens per parameter", "number"),
            Column("loss_opt", "loss", "number4"),
            Column("bracketed", "bracketed"),
        )
        frame = minima.assign(ratio=minima["d_opt"] / minima["n_opt"])
        blocks.append(Table.of("minima", "The minimum of each budget", frame, columns))
    return blocks


def _surface(fit: Fit, table: pd.DataFrame) -> list[Block]:
    lines = tables.surface_lines(fit, table)
    drawn = fit.residuals
    spread = float(np.sqrt(np.mean(drawn["residual"] ** 2)))
    caption = (
        f"Loss against tokens: {plural(len(drawn), 'run')}, and the fitted L(N, D) along D at "
        f"{plural(lines['n'].nunique(), 'size')}."
    )
    missed = (
        f"What the parametric law misses: observed over predicted loss of {plural(len(drawn), 'run')}; the root mean "
        f"square is {formats.percent(spread)}. A trend in any panel would mean that the law's form does not fit."
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
    blocks: list[Block] = [] if study.frontier.empty else [_optimum(study)]
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
    return [*blocks, Table.of("exponents", caption, study.exponents, columns)]


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
    for key in ("n", "d", "loss"):
        frame[f"{key}_interval"] = list(zip(frame[f"{key}_low"], frame[f"{key}_high"], strict=True))
    frame["approach"] = frame["law"].map(tables.APPROACHES)
    frame = frame.sort_values(["multiple", "convention", "approach"], ignore_index=True)
    frame["convention"] = frame["convention"].map(lambda name: CONVENTION_LABELS.get(name, name))
    caption = (
        f"Compute-optimal allocation at 10 and 100 times the {study.largest_name}, {formats.power(study.largest)} "
        f"FLOPs, with {100 * study.settings['level']:g}% intervals"
    )
    note = Text(
        "Only a law of L(N, D) forecasts a loss; the isoFLOP minima and the envelope give sizes. The intervals cover "
        "the uncertainty of the parameters, not the noise of one further run."
    )
    return [Table.of("forecasts", caption, frame, ALLOCATION_COLUMNS), note]


def backtest(study: ScalingStudy) -> list[Block]:
    """How far the forecast of the held-out largest budget missed."""
    tested = study.backtest
    if tested is None:
        return [Text(f"A back-test was {study.backtest_reason}", note=True)]
    text = (
        f"The parametric law was fitted anew without the {plural(len(tested.points), 'run')} of the largest compute, "
        f"and asked for their losses from {tested.distance:.3g} times less: {backtest_text(tested)}."
    )
    held = tested.points
    used = tested.fit.residuals
    caption = f"Forecast and outcome of the {study.largest_name}: {len(held)} runs held out, {len(used)} used."
    shown = held[[name for name in BACKTEST_COLUMNS if name in held.columns]]
    return [Text(text), Figure("backtest", caption, figures.backtest(used, held), shown)]


def conventions(study: ScalingStudy) -> list[Block]:
    """What N, D, C and the loss are in these numbers."""
    stated: dict[str, str] = {}
    for fit in study.fits:
        stated |= {key: text for key, text in fit.conventions.items() if key != "fitted N"}
    counted = sorted({CONVENTION_LABELS.get(fit.convention, fit.convention) for fit in study.fits})
    items = tuple(f"{key}: {text}" for key, text in stated.items())
    if counted:
        items += (f"Fitted under N counted as: {', '.join(counted)}.",)
    return [Bullets(items)] if items else []
