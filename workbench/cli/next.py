"""`workbench next`: the runs to train next, for one number and a budget, as a sweep definition or a table."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from workbench.cli.output import emit, json_option, plain, say, working
from workbench.cli.source import (
    SourceTable,
    as_typed,
    columns_option,
    intervals_option,
    load_source,
    resamples_option,
    seed_option,
    source_argument,
    where_option,
)
from workbench.errors import BadInput

if TYPE_CHECKING:
    from workbench.analyses.next_runs import Choice, Next
    from workbench.fitting import Fit
    from workbench.fitting.design.candidates import Bounds
    from workbench.fitting.design.proposing import Proposal


@click.command(epilog="Exit codes: 0 done, 1 failed, 2 bad input, or no law could be fitted.")
@source_argument
@click.option(
    "--target",
    default="a",
    show_default=True,
    help="What to pin down: a, alpha, beta or E; loss or n-opt at --at; or losses, the losses along the optimum from "
    "the largest compute so far up to --at, on average.",
)
@click.option("--at", type=float, metavar="C", help="Compute of the target. Without it: 10× the largest budget.")
@click.option("--flops", type=float, required=True, metavar="BUDGET", help="FLOPs to spend on the next runs.")
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    help="Where to write the runs: a definition (.toml, of a store alone), or a table (.csv or .json).",
)
@click.option("--law", default="chinchilla", show_default=True, help="The law to fit: one of N and D.")
@click.option(
    "--robust", type=float, default=0.2, show_default=True, help="Share of the budget for points that check the law."
)
@click.option("--max-runs", type=int, default=20, show_default=True, help="Most runs, repeats included.")
@click.option("--max-run-flops", type=float, help="Most FLOPs of one run. Without it: the budget.")
@click.option("--min-run-flops", type=float, help="Least FLOPs of one run. Without it: those of the smallest so far.")
@click.option(
    "--tokens-per-param",
    metavar="LOW,HIGH",
    help="Range of D/N. Without it: that of the runs so far, at least a factor of 20.",
)
@click.option("--max-tokens", type=float, help="Most tokens of one run, such as the corpus has.")
@intervals_option
@columns_option
@where_option
@resamples_option
@seed_option
@json_option
@as_typed
def command(
    source: Path,
    target: str,
    at: float | None,
    flops: float,
    out: Path | None,
    law: str,
    robust: float,
    max_runs: int,
    max_run_flops: float | None,
    min_run_flops: float | None,
    tokens_per_param: str | None,
    max_tokens: float | None,
    intervals: str,
    columns: str | None,
    where: str | None,
    resamples: int,
    seed: int,
    as_json: bool,
) -> None:
    """Propose the runs that shrink one number's interval most for a budget, given the runs of SOURCE.

    SOURCE is a store (reference is the one that ships with the workbench) or a table.
    Of a store the proposal is a definition that `workbench sweep run` trains:

    \b
    workbench next store --target n-opt --at 1e14 --flops 5e12 --out next.toml
    workbench sweep plan next.toml
    """
    from workbench.analyses.next_runs import Wish, next_runs, of_table, target_of
    from workbench.fitting import fit
    from workbench.fitting.design.candidates import check_amounts
    from workbench.fitting.design.proposing import fewest_runs
    from workbench.fitting.fit import checked_settings
    from workbench.fitting.tables import final_points

    checked_settings(law, "huber", 1e-3, resamples, intervals=intervals)
    check_amounts(flops=flops, at=at, max_run_flops=max_run_flops, min_run_flops=min_run_flops, max_tokens=max_tokens)
    fewest_runs(robust, max_runs)
    ratio = _range(tokens_per_param)
    loaded = load_source(source, columns, where)
    _writable(out, loaded, source)
    wish = Wish(
        target_of(target, at, loaded.table), flops, robust, max_runs, max_run_flops, min_run_flops, ratio, max_tokens,
        seed,
    )  # fmt: skip
    final = final_points(loaded.table)[0].dropna(subset=["n", "d", "c"])
    if len(final):  # what the budget cannot buy is said before anything is fitted
        wish.bounds(final)
    with working(f"Fitting {law}"):
        found = fit(loaded.table, law, resamples=resamples, seed=seed, intervals=intervals)
    bounds = wish.bounds(found.residuals)
    choice = _of_store(source, found, bounds) if loaded.kind == "store" else of_table(found, bounds)
    proposed = next_runs(found, wish, choice)
    payload: dict[str, Any] = {**proposed.to_dict(), "out": out}
    if out is not None:
        _write(out, proposed, payload)
    emit(as_json, payload, lambda: _print(payload, proposed.proposal, out, loaded.kind))


def _of_store(source: Path, fitted: "Fit", bounds: "Bounds") -> "Choice":
    from workbench.analyses.next_runs import of_store
    from workbench.store import Store

    return of_store(Store(source).runs_by_id(list(fitted.residuals["run_id"])), fitted, bounds, str(source))


def _writable(out: Path | None, loaded: SourceTable, source: Path) -> None:
    """Refuse a file that could not be written, before anything is fitted."""
    if out is None:
        return
    if out.suffix not in (".toml", ".csv", ".json"):
        raise BadInput(f"--out is {out}; it must end in .toml (a definition), .csv or .json (a table of runs).")
    if out.suffix == ".toml" and loaded.kind != "store":
        raise BadInput(
            f"--out is {out}, but {source} is a table, which does not say what its models are: a definition needs a "
            "store; write .csv or .json."
        )
    if not out.parent.is_dir():
        raise BadInput(f"--out is {out}, but there is no folder {out.parent}.")


def _range(text: str | None) -> tuple[float, float] | None:
    """`5,100` as two numbers."""
    if text is None:
        return None
    try:
        low, high = (float(part) for part in text.split(","))
    except ValueError:
        raise BadInput(f"--tokens-per-param is '{text}'; it must be two numbers, such as 5,100.") from None
    return low, high


def _write(out: Path, proposed: "Next", payload: dict[str, Any]) -> None:
    import json

    import pandas as pd

    if out.suffix == ".toml":
        text = proposed.definition(out.stem) or ""  # _writable saw to it
    elif out.suffix == ".csv":
        text = (
            pd.DataFrame(payload["runs"]).drop(columns=[] if payload["runs"][0]["size"] else "size").to_csv(index=False)
        )
    else:
        text = json.dumps(plain(payload), indent=2) + "\n"
    try:
        out.write_text(text, encoding="utf-8")
    except OSError as error:
        raise BadInput(f"--out is {out}, which cannot be written: {error.strerror}.") from error


def _print(payload: dict[str, Any], proposal: "Proposal", out: Path | None, kind: str) -> None:
    """A line a run, then the promise in words, then what to know and do."""
    from workbench.analyses.next_runs import PURPOSES

    click.echo(f"{'size':<8}{'N':>10}{'D':>12}{'C':>12}{'repeats':>9}  for")
    for run in payload["runs"]:
        numbers = f"{run['n']:>10.4g}{run['d']:>12.4g}{run['c']:>12.4g}{run['repeats']:>9}"
        click.echo(f"{run['size'] or '–':<8}{numbers}  {PURPOSES[run['purpose']]}")
    click.echo(proposal.summary())
    click.echo(
        f"No choice of runs for the target, whole or in fractions, would leave a variance lower by more than "
        f"{1 - proposal.efficiency:.1%}."
    )
    for note in proposal.notes:
        click.echo(f"Note: {note}")
    if out is not None and out.suffix == ".toml":
        say(f"Written to {out}: `workbench sweep plan {out}` shows it, `workbench sweep run {out}` trains it.")
    elif kind == "table":
        say("A table does not say what its models are; of a store, --out next.toml writes a sweep definition.")
