"""`workbench price`: what each named change of a sweep is worth in compute."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from workbench.cli.output import emit, json_option, note, say, working
from workbench.cli.source import resamples_option, seed_option
from workbench.cli.sweep_options import store_option

if TYPE_CHECKING:
    from workbench.analyses.prices import Price, Prices


@click.command(epilog="Exit codes: 0 done, 2 bad input, or the baseline gives no law.")
@store_option
@click.option("--sweep", required=True, metavar="NAME", help="A sweep of the store whose definition has [variants].")
@click.option("--out", type=click.Path(path_type=Path), help="Folder for report.html, report.md and report.json.")
@resamples_option
@seed_option
@json_option
def command(store_path: Path, sweep: str, out: Path | None, resamples: int, seed: int, as_json: bool) -> None:
    """Price every variant of a sweep as a compute multiplier with its interval.

    A multiplier of 1.2 means: as good at every compute as the baseline at 1.2 times as much. It is read at equal shape
    and tokens; net divides it by the FLOPs executed. A sweep that is trained in part is priced from what is there.

    \b
    workbench sweep run sweeps/axes.toml --store store/axes
    workbench price --store store/axes --sweep axes
    """
    from workbench.analyses.prices import price
    from workbench.analyses.prices_report import report, summary
    from workbench.fitting.fit import checked_settings
    from workbench.reporting.document import check_folder
    from workbench.reporting.outputs import write
    from workbench.store import Store

    checked_settings(None, "huber", 1e-3, resamples)
    if out is not None:
        check_folder(out)
    store = Store(store_path)
    with working(f"Pricing {sweep}"):
        found = price(store.runs(), store.manifest(sweep), resamples=resamples, seed=seed)
    document = report(found)
    payload: dict[str, Any] = {
        "sweep": sweep,
        "planned": found.planned,
        "ended": found.ended,
        "level": found.level,
        "noise": found.noise.sd,
        "prices": document.data["prices"],
        "notes": found.notes,
    }
    if out is not None:
        for path in write(document, out).values():
            say(f"wrote {path}")
    emit(as_json, payload, lambda: _print(found, summary(found)))


def _print(found: "Prices", lines: tuple[str, ...]) -> None:
    click.echo(
        f"{'technique':<18}{'runs':>6}  {'rate inside':>11}  {'worth':<22}{'FLOPs':>6}  {'net':<22}{'time':>6}  change"
    )
    for one in found.prices:
        click.echo(_line(one).rstrip())
    for line in (*lines, *found.notes):
        note(line)


def _line(one: "Price") -> str:
    start = f"{one.variant:<18}{f'{one.ended}/{one.planned}':>6}  "
    if one.worth is None:
        return f"{start}{one.remark}: {one.change}"
    net = one.net
    worth = _interval(one.worth.multiplier, one.worth.low, one.worth.high)
    inside = f"{one.bracketed} of {one.points}"
    return (
        f"{start}{inside:>11}  {worth:<22}{_ratio(one.flops)}  {_interval(*net) if net else '–':<22}"
        f"{_ratio(one.seconds)}  {one.change}{f' ({one.remark})' if one.remark else ''}"
    )


def _interval(value: float, low: float, high: float) -> str:
    return f"×{value:.2f} ({low:.2f} to {high:.2f})"


def _ratio(value: float | None) -> str:
    return f"{'–' if value is None else f'×{value:.2f}':>6}"
