"""A scaling study as a report: the answer, what was run, the laws, the forecasts, and what remains unknown."""

from collections.abc import Callable
from functools import partial

from workbench.analyses import scaling_fits as fits_part
from workbench.analyses import scaling_methods as methods_part
from workbench.analyses import scaling_next as next_part
from workbench.analyses import scaling_runs as runs_part
from workbench.analyses import scaling_trust as trust_part
from workbench.analyses.leaps import LEAP
from workbench.analyses.measured_coverage import LEVEL, RUNS, SWEEPS
from workbench.analyses.samples import sweeps_of
from workbench.analyses.scaling import ScalingStudy
from workbench.analyses.scaling_tables import APPROACHES
from workbench.analyses.scaling_words import (
    UNDETERMINED,
    backtest_text,
    chosen,
    forecast_text,
    headline_forecasts,
    held_out,
    rival,
    settled,
    summary_lines,
    with_interval,
)
from workbench.reporting import formats
from workbench.reporting.document import Block, Code, Report, Section, Text
from workbench.reporting.figures.pieces import plural


def report(study: ScalingStudy) -> Report:
    """The whole report; a section that has nothing to say is left out."""
    proposal = next_part.proposed(study)
    sections = (
        ("What was run", runs_part.what_was_run),
        ("Is the sweep sound?", runs_part.soundness),
        ("How the fits were made", methods_part.how_fitted),
        ("The losses and the laws", fits_part.laws),
        ("Does the law hold?", trust_part.diagnostics),
        ("How compute divides", fits_part.allocation),
        ("Forecasts", fits_part.forecasts),
        ("Back-test", trust_part.backtest),
        ("Which law forecasts best?", trust_part.compared),
        ("How often such intervals hold the truth", trust_part.coverage),
        ("Tasks", runs_part.tasks),
        ("Conventions side by side", fits_part.conventions),
        ("What is not identified", next_part.not_identified),
        ("Which runs would settle it", partial(next_part.settling, found=proposal)),
        ("How to reproduce", reproduce),
    )
    kept = tuple(Section(title, blocks) for title, build in sections if (blocks := _blocks(build, study)))
    return Report(f"Scaling laws of {title(study)}", summary(study), kept, data(study, proposal))


def title(study: ScalingStudy) -> str:
    """The sweeps in a store, where they are few; else the source's name."""
    sweeps = [] if study.runs is None else sweeps_of(study.runs)
    return " and ".join(sweeps) if 1 <= len(sweeps) <= 2 else study.name


def _blocks(build: Callable[[ScalingStudy], list[Block]], study: ScalingStudy) -> tuple[Block, ...]:
    return tuple(build(study))


def summary(study: ScalingStudy) -> tuple[str, ...]:
    """The question, and the answer in three sentences."""
    question = (
        "How should a budget of compute C be divided between the number of parameters N and the number of tokens D, "
        "and what loss does it buy?"
    )
    fit = study.headline
    if fit is None:
        reason = study.problems[0] if study.problems else "No law could be fitted."
        more = " The other reasons stand under “What is not identified”." if len(study.problems) > 1 else ""
        return tuple(text for text in (chosen(study), question, f"These data do not answer it. {reason}{more}") if text)
    used = fit.residuals["c"] if "c" in fit.residuals else study.table["c"]
    runs = f"{plural(fit.n_points, 'run')} of {formats.power(used.min())} to {formats.power(used.max())} FLOPs"
    first = (
        f"In {runs}, the compute-optimal size grows as N_opt ∝ C^a with a = {with_interval(fit, 'a')}, and the data "
        f"as D_opt ∝ C^b with b = {with_interval(fit, 'b')} (approach {APPROACHES.get(fit.law, fit.law)})."
    )
    if not fit.identified:
        first = f"{UNDETERMINED}, and “What is not identified” says why. {first}"
    return tuple(text for text in (chosen(study), question, first, _second(study), _third(study), rival(study)) if text)


def _second(study: ScalingStudy) -> str:
    """What each multiple of the largest budget buys, or that these runs do not say."""
    parts = []
    for row in headline_forecasts(study).to_dict("records"):
        budget = f"{row['multiple']:g}× the {study.largest_name} ({formats.power(row['flops'])} FLOPs)"
        loss = f", reaching a loss of {forecast_text(row, 'loss', 'loss')} nats per token"
        if settled(row, "n"):
            sizes = f"is best spent on N = {forecast_text(row, 'n', 'count')} parameters and "
            sizes += f"D = {forecast_text(row, 'd', 'count')} tokens"
            parts.append(f"{budget} {sizes}{loss if settled(row, 'loss') else ''}")
        else:
            parts.append(f"How {budget} is best spent is not determined by these runs")
    return "; ".join(part if i == 0 else f"{part[0].lower()}{part[1:]}" for i, part in enumerate(parts)) + (
        "." if parts else ""
    )


def _third(study: ScalingStudy) -> str:
    if study.backtest is None:
        text = f"A back-test was {study.backtest_reason.rstrip('.')}"
    else:
        text = f"How far to trust a forecast ({held_out(study)}): {backtest_text(study.backtest)}"
    failed = [fact.name for fact in study.checks.facts if not fact.met] if study.checks else []
    if failed:
        return f"{text}; of the checks of the sweep these fail: {', '.join(failed)}."
    return text + (", and the sweep passes all its checks." if study.checks else ".")


def reproduce(study: ScalingStudy) -> list[Block]:
    """Commands, versions, fingerprints."""
    chosen = study.settings
    drawn = f"--resamples {chosen['resamples']} --seed {chosen['seed']}"
    sweeps = [] if study.runs is None else sweeps_of(study.runs)
    commands = [command for sweep in sweeps for command in _training(sweep)]
    commands += [
        f"workbench fit {study.source} --objective {chosen['objective']} {drawn}",
        f"workbench report {study.source} {drawn} --out report",
    ]
    where = "" if study.path == "reference" else f", run where `{study.path}` lies,"
    blocks: list[Block] = [
        Text(
            f"The sweep's definition trains the runs into a store; the other commands{where} give these numbers:"
            if sweeps
            else f"These commands{where} give these numbers:"
        ),
        Code("\n".join(commands), "sh"),
    ]
    return blocks + runs_part.provenance(study)


def _training(sweep: str) -> list[str]:
    """What trains a sweep anew, into a store of its own; a definition that ships with the package is copied first."""
    from importlib.resources import files

    if sweep == "quickstart":
        return ["workbench quickstart --out quickstart"]
    run = f"workbench sweep run {sweep}.toml --store store"
    if not (files("workbench.sweeps") / f"{sweep}.toml").is_file():
        return [run]
    found = f"from importlib.resources import files; print((files('workbench.sweeps') / '{sweep}.toml').read_text())"
    return [f'python -c "{found}" > {sweep}.toml', run]


def data(study: ScalingStudy, proposal: next_part.Next | None) -> dict[str, object]:
    """The results by name, for programs."""
    tested = study.backtest
    return {
        "name": study.name,
        "runs": runs_part.extent(study),
        "left_out": [{"where": other.where, "runs": len(other.runs)} for other in study.others],
        "headline": None if study.headline is None else study.headline.to_dict(),
        "fits": [fit.to_dict() for fit in study.fits],
        "not_fitted": [{"law": n.law, "convention": n.convention, "reason": n.reason} for n in study.fits.not_fitted],
        "exponents": study.exponents,
        "forecasts": study.forecasts,
        "largest_budget": study.largest,
        "backtest": None if tested is None else tested.to_dict(),
        "backtest_reason": study.backtest_reason,
        "backtests": None if study.judged.backtests is None else study.judged.backtests.to_dict(),
        "curvature_p": None if study.judged.diagnosed is None else study.judged.diagnosed.departure,
        "seed_sd": None if study.checks is None else study.checks.seed_sd,
        "coverage": {"level": LEVEL, "sweeps": SWEEPS, "runs": RUNS, "measured": trust_part.coverage_rows(study)},
        "leap": {"share": [0.1, 0.9], "factor": LEAP},
        "next": None if proposal is None else proposal.to_dict(),
        "comparison": None if study.judged.comparison is None else study.judged.comparison.to_dict(),
        "diagnosis": None if study.judged.diagnosed is None else study.judged.diagnosed.diagnosis.to_dict(),
        "facts": [
            {"name": fact.name, "asked": fact.asked, "found": fact.found, "met": fact.met}
            for fact in (study.checks.facts if study.checks else ())
        ],
        "problems": list(study.problems),
        "settings": dict(study.settings),
        "summary_lines": summary_lines(study),
    }
