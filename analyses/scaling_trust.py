"""The parts of the scaling report on trust: back-tests by distance, laws out of sample, a law's own diagnostics."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from workbench.analyses.backtest_words import missed_by_distance
from workbench.analyses.measured_coverage import LEVEL, RUNS, SWEEPS, measured
from workbench.analyses.scaling import ScalingStudy, laws_of
from workbench.analyses.scaling_judged import LAW, Diagnosed
from workbench.analyses.scaling_words import backtest_text
from workbench.fitting import BackTest, BackTests, Comparison
from workbench.fitting.design.proposing import DOUBT
from workbench.fitting.diagnostics.diagnosis import LARGE, REJECT, SHOWN
from workbench.reporting import figures, formats
from workbench.reporting.document import Block, Bullets, Column, Figure, Table, Text
from workbench.reporting.figures.pieces import plural

BACKTEST_COLUMNS = ("n", "d", "c", "loss", "predicted", "low", "high", "run_low", "run_high", "relative_error")

DISTANT_COLUMNS = (
    Column("above", "held out above, of the largest C"),
    Column("held_out", "runs held out", "integer"),
    Column("fitted", "runs used", "integer"),
    Column("bias", "bias of all held out", "signed"),
    Column("rms", "rms error of all", "percent"),
    Column("worst", "worst", "percent"),
    Column("coverage", "inside their interval", "percent"),
    Column("half_width", "half its width (median)", "percent"),
    Column("distance", "farthest, times the compute seen", "number"),
    Column("furthest_runs", "runs so far out", "integer"),
    Column("furthest_rms", "rms error of these", "percent"),
    Column("identified", "law identified"),
)

FEW = 10
"""Of fewer groups a standard error of their scores is rough."""

INFLUENCE_COLUMNS = (
    Column("run_id", "run"),
    Column("n", "N", "count"),
    Column("d", "D", "count"),
    Column("c", "C [FLOPs]", "power"),
    Column("residual", "miss of ln L", "signed"),
    Column("leverage", "leverage", "number"),
    Column("studentised", "studentised miss", "number"),
    Column("cook", "Cook's distance", "number"),
)


def backtest(study: ScalingStudy) -> list[Block]:
    """How far the forecast of the held-out largest budget missed, and how errors grow with distance."""
    judged = study.judged
    return tested_blocks(
        judged.backtest, judged.backtest_reason, judged.backtests, judged.backtests_reason, study.largest_name
    )


def tested_blocks(
    tested: BackTest | None,
    untested: str,
    distant: BackTests | None,
    unheld: str,
    largest_name: str,
    law: str = "the parametric law",
) -> list[Block]:
    """A law's back-test of the largest compute and those by distance, each with its reason where there is none."""
    blocks: list[Block] = []
    if tested is None:
        blocks.append(Text(f"A back-test was {untested}", note=True))
    else:
        blocks.append(
            Text(
                f"{law[:1].upper()}{law[1:]} was fitted anew without the {plural(len(tested.points), 'run')} of the "
                f"largest compute, and asked for their losses from {tested.distance:.3g} times less: "
                f"{backtest_text(tested)}."
            )
        )
        held, used = tested.points, tested.fit.residuals
        caption = f"Forecast and outcome of the {largest_name}: {len(held)} runs held out, {len(used)} used."
        shown = held[[name for name in BACKTEST_COLUMNS if name in held.columns]]
        blocks.append(Figure("backtest", caption, figures.backtest(used, held), shown))
    if distant is None:
        if tested is not None:
            blocks.append(Text(f"Back-tests by distance were {unheld}", note=True))
        return blocks
    return [*blocks, *_by_distance(distant, law)]


def _by_distance(distant: BackTests, law: str) -> list[Block]:
    """The table of back-tests and the errors of every held-out run."""
    frame = distant.frame()
    frame["above"] = [_share(factor) for factor in frame["factor"]]
    level = f"{100 * distant.level:g}%"
    points = distant.points
    if "run_low" in points and points["run_low"].notna().any():
        points["inside"] = (points["run_low"] <= points["loss"]) & (points["loss"] <= points["run_high"])
    names = ("factor", "distance", "n", "d", "c", "loss", "predicted", "run_low", "run_high", "relative_error")
    shown = points[[name for name in (*names, "inside") if name in points]]
    caption = (
        f"Errors of {plural(len(points), 'forecast')} of held-out runs against how many times the compute of the "
        f"largest run the fit saw each took; above the line the law was too pessimistic. Hollow: outside its own "
        f"{level} prediction interval. Each factor is drawn a few percent beside its place, so that all show."
    )
    return [
        Text(_how_errors_grow(distant, frame)),
        Table.of(
            "backtests",
            f"Back-tests of {law} by distance: errors of all runs held out, near and far, and of the farthest alone. "
            f"Errors are of ln L; a run should fall inside its prediction interval {level} of the time",
            frame,
            DISTANT_COLUMNS,
        ),
        Figure("backtest-errors", caption, figures.backtest_errors(points), shown),
    ]


def _how_errors_grow(distant: BackTests, frame: pd.DataFrame) -> str:
    """The table in a few sentences."""
    said = f"With more of the largest runs held out, the forecasts reach further: {missed_by_distance(distant)}."
    weak = frame[~frame["identified"]]
    if len(weak):
        said += f" Held out above {_list(weak['above'])} of the largest compute, what was left did not determine the "
        said += "law: those numbers are only what its fit gives."
    return f"{said} {distant.ended[:1].upper()}{distant.ended[1:].rstrip('.')}."


def _share(factor: float) -> str:
    """'1/8': of the largest compute."""
    return f"1/{factor:g}"


def _list(items: pd.Series) -> str:
    words = [str(item) for item in items]
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}"


def compared(study: ScalingStudy) -> list[Block]:
    """Candidate laws against runs they were not fitted to."""
    found = study.judged.comparison
    if found is None:
        if study.headline is None:
            return []
        return [Text(f"A comparison of laws out of sample was {study.judged.comparison_reason}", note=True)]
    return compared_blocks(found)


def compared_blocks(found: Comparison) -> list[Block]:
    """The table of a comparison, and what it says."""
    frame = found.frame()
    frame["behind_interval"] = [_behind(row) for row in frame.to_dict("records")]
    columns = [
        Column("law", "law"),
        Column("parameters", "parameters", "integer"),
        Column("backtest_rms", "back-test rms", "percent"),
        Column("behind_interval", "log score behind the best, ± standard error [nats]"),
        Column("left_out_rms", "rms error of runs left out", "percent"),
    ]
    if frame["aicc"].notna().any():
        columns.append(Column("delta_aicc", "AICc above the least", "number"))
    words = found.candidates[0].scores.words
    caption = (
        f"Laws compared on the same {plural(found.points, 'run')}, each time on those they were not fitted to: "
        f"back-tests{_factors(found)}, and the log score with {words} left out one at a time. "
        "chinchilla is the parametric L(N, D), chinchilla-tied the same with α = β"
    )
    blocks: list[Block] = [
        Table.of("laws-compared", caption, frame, columns),
        Text(verdict(frame, len(found.candidates[0].scores.score_G), found)),
    ]
    if found.not_fitted:
        reasons = tuple(f"{item.law}: {item.reason}" for item in found.not_fitted)
        blocks += [Text("These could not be compared:"), Bullets(reasons)]
    return blocks


def _behind(row: Mapping[Any, Any]) -> str:
    """'4.05 ± 12.1'; the best is behind nothing."""
    behind, error = float(row["behind"]), float(row["behind_se"])
    return "best" if behind == 0 else f"{formats.number(behind)} ± {formats.number(error)}"


def _factors(found: Comparison) -> str:
    """The back-tests that count."""
    if not found.factors:
        return " (none that all laws have)"
    return f" above {', '.join(map(_share, found.factors))} of the largest compute"


def verdict(frame: pd.DataFrame, groups: int, found: Comparison | None = None) -> str:
    """Who forecasts best, and whether the difference means anything."""
    if len(frame) == 1:
        return f"Only {frame['law'].iloc[0]} could be compared, so that there is nothing to choose."
    first = str(frame["law"].iloc[0])
    rest = frame.iloc[1:]
    near = rest["behind"] <= 2 * rest["behind_se"]
    said = [f"By the log score {first} stands first."]
    if near.any():
        said.append(
            f"{_list(rest.loc[near, 'law'])} {'lies' if near.sum() == 1 else 'lie'} within two standard errors of it, "
            "a difference that means nothing: these runs do not tell them apart."
        )
    if (~near).any():
        verb = "lies" if (~near).sum() == 1 else "lie"
        said.append(f"{_list(rest.loc[~near, 'law'])} {verb} further behind than the choice of runs explains.")
    if groups < FEW:
        said.append(f"With {groups} groups to leave out, the standard error is itself a rough guess.")
    tested = frame.dropna(subset=["backtest_rms"])
    if len(tested) > 1:
        best = tested.sort_values("backtest_rms", kind="stable").iloc[0]
        others = ", ".join(
            f"{row['law']} by {formats.percent(row['backtest_rms'])}"
            for row in tested.to_dict("records")
            if row["law"] != best["law"]
        )
        said.append(
            f"The back-tests prefer {'it too' if best['law'] == first else best['law']}, which misses by "
            f"{formats.percent(best['backtest_rms'])} in the root mean square ({others}); they hold the same runs out "
            "again and again, so that this alone is no proof."
        )
        if found is not None and best["law"] != first:
            said.append(_where_determined(found, str(best["law"]), first))
    if frame["aicc"].notna().any():
        said.append(f"By AICc: {frame.sort_values('aicc', kind='stable')['law'].iloc[0]}.")
    return " ".join(said)


def _where_determined(found: Comparison, law: str, first: str) -> str:
    """What the back-tests say of two laws where the runs that were left determined both."""
    factors, theirs, own = found.determined(law, first)
    if not factors:
        return f"No back-test left enough runs to determine both {law} and {first}, so that its order is luck."
    above = _list(pd.Series([_share(factor) for factor in factors]))
    return (
        f"But held out above {above}, where what was left determined both, {law} misses by {formats.percent(theirs)} "
        f"and {first} by {formats.percent(own)}."
    )


COVERAGE_COLUMNS = (
    Column("law", "law"),
    Column("name", "method of its intervals"),
    Column("least", "least [%]", "number"),
    Column("most", "most [%]", "number"),
    Column("grid", "sizes err as one, grid [%]", "number"),
    Column("quickstart", "quickstart's design [%]", "number"),
)


def coverage(study: ScalingStudy) -> list[Block]:
    """The measured coverage of each method that these fits used."""
    rows = coverage_rows(study)
    if not rows:
        return []
    caption = (
        f"Coverage of {100 * LEVEL:g}% intervals in simulated sweeps whose truth is known, {SWEEPS:,} sweeps a cell: "
        "least and most over designs, laws, noise and targets where errors are equal and independent; then the mean "
        "over targets where the runs of one size err together"
    )
    text = (
        f"An interval that says {100 * LEVEL:g}% should hold the truth so often. These did in simulated sweeps of "
        f"{RUNS[0]} to {RUNS[1]} runs of the parametric law, other laws of N and D being solved and resampled alike; a "
        "method below its level is too narrow, one above it too wide."
    )
    return [Text(text), Table.of("coverage", caption, pd.DataFrame(rows), COVERAGE_COLUMNS)]


def coverage_rows(study: ScalingStudy) -> list[dict[str, Any]]:
    """One row a fit whose method was measured."""
    rows = []
    for fit in laws_of(tuple(study.fits)):
        if (found := measured(fit.law, fit.interval_method)) is not None:
            row = {"law": fit.law, "name": found.name, "least": found.least, "most": found.most}
            grid, quickstart = found.together or (float("nan"), float("nan"))
            rows.append({**row, "grid": grid, "quickstart": quickstart})
    return rows


def diagnostics(study: ScalingStudy) -> list[Block]:
    """Does the parametric law hold? Its trends, the noise, and the runs that move it most."""
    found = study.judged.diagnosed
    if found is None:
        if study.fits.get(LAW) is None:
            return []
        return [Text(f"Diagnostics of the parametric law were {study.judged.diagnosed_reason}", note=True)]
    return diagnosed_blocks(found, study.checks is not None and not study.checks.seeds.empty)


def diagnosed_blocks(found: Diagnosed, repeated: bool) -> list[Block]:
    """The diagnostics of a fit of the parametric law; `repeated` says whether any run was, with another seed."""
    top = found.diagnosis.influence.head(SHOWN).reset_index(drop=True)
    caption = (
        f"The {plural(len(top), 'run')} that would move the parametric law most if left out, of "
        f"{len(found.diagnosis.influence)}"
    )
    return [
        Text("The parametric law held against its own misses, linearised at its optimum:"),
        Bullets((*_form(found, repeated), *_noise(found), _influential(found, top))),
        Table.of("influence", caption, top, INFLUENCE_COLUMNS),
    ]


def _form(found: Diagnosed, repeated: bool) -> list[str]:
    """Lack of fit against the seeds, trends, shared errors."""
    fits = (
        "An F test against the differences between seeds does not reject its form: weak, where few runs are repeated."
    )
    said = list(found.unfit or ((fits,) if repeated else ("No run was repeated, so that noise is not known apart.",)))
    said += found.trends or ("Its misses show no clear bend or step along N, D or C.",)
    said.append(_curvature(found, repeated))
    said += found.shared or ("Runs of one size or budget do not err more alike than any two.",)
    return said


def _curvature(found: Diagnosed, repeated: bool) -> str:
    """The F test for quadratic departures, and why other tests may disagree with it."""
    departs = found.departure < DOUBT
    said = f"The F test finds {'' if departs else 'no '}curvature along N and D (p = {found.departure:.2g})."
    others = [bool(found.trends), *([bool(found.unfit)] if repeated or found.unfit else [])]
    if all(other == departs for other in others):
        return said
    if not departs:
        return f"{said} It takes three curvatures at once, and can overlook the one that another test finds."
    if found.shared:
        said += " It can be misled by errors shared within a size, which these runs have."
    if any(others):
        return f"{said} Of the other two tests one agrees."
    return f"{said} The other {'two tests find' if len(others) > 1 else 'test finds'} nothing, but " + (
        "are weaker." if len(others) > 1 else "is weaker."
    )


def _noise(found: Diagnosed) -> list[str]:
    """Tests of one variance."""
    tests = found.diagnosis.evenness
    if tests.empty:
        return []
    listed = "; ".join(f"{row['test']} p = {row['p']:.2g}" for row in tests.to_dict("records"))
    if float(tests["p"].min()) * len(tests) < REJECT:
        told = next(text for text in found.diagnosis.warnings if text.startswith("The noise is not"))
        return [f"{told} ({listed})"]
    return [f"No clear sign of uneven noise, at {100 * REJECT:g}% over {plural(len(tests), 'test')}: {listed}."]


def _influential(found: Diagnosed, top: pd.DataFrame) -> str:
    """The most influential runs by name, and whether one of them decides the fit."""
    named = ", ".join(
        f"{_name(row)} ({', '.join(f'{k.upper()} = {formats.count(row[k])}' for k in ('n', 'd') if k in row)}; "
        f"Cook's distance {formats.number(row['cook'], 2)})"
        for row in top.head(3).to_dict("records")
    )
    decides = np.nanmax(found.diagnosis.influence["cook"]) > LARGE
    return f"The most influential runs: {named}. " + (
        f"One or more lie above {LARGE:g}, where a single run decides the fit: see what it says without them."
        if decides
        else f"None lies above {LARGE:g}, where a single run would decide the fit."
    )


def _name(row: Mapping[Any, Any]) -> str:
    return f"`{row['run_id']}`" if isinstance(row.get("run_id"), str) else "the run"
