"""`workbench batch`: the critical batch size of each size of a sweep."""

import math
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from workbench.cli.output import emit, json_option, note, say, working
from workbench.cli.source import resamples_option, seed_option
from workbench.cli.sweep_options import store_option

if TYPE_CHECKING:
    from workbench.analyses.critical_batch import Critical


DRAWN = "intervals by drawing whole runs again"
"""Of the law: its clusters are runs, which the fit would call configurations."""


@click.command(epilog="Exit codes: 0 done, 2 bad input.")
@store_option
@click.option("--sweep", required=True, metavar="NAME", help="A sweep that measured noise_scale, or trained batches.")
@click.option("--out", type=click.Path(path_type=Path), help="Folder for report.html, report.md and report.json.")
@resamples_option
@seed_option
@json_option
def command(store_path: Path, sweep: str, out: Path | None, resamples: int, seed: int, as_json: bool) -> None:
    """Find the critical batch size of each size, by gradient noise and by steps and tokens to a loss, side by side.

    \b
    workbench sweep run sweeps/critical-batch.toml --store store/batch
    workbench batch --store store/batch --sweep critical-batch
    """
    from workbench.analyses.batch_report import report
    from workbench.analyses.critical_batch import critical_batches
    from workbench.fitting.fit import checked_settings
    from workbench.reporting.document import check_folder
    from workbench.reporting.outputs import write
    from workbench.store import Store

    checked_settings(None, "log-mse", 1e-3, resamples)
    if out is not None:
        check_folder(out)
    store = Store(store_path)
    with working(f"Measuring the batches of {sweep}"):
        found = critical_batches(store.runs(), store.curves(), store.manifest(sweep), resamples, seed)
    if out is not None:
        for path in write(report(sweep, found), out).values():
            say(f"wrote {path}")

    emit(as_json, {"sweep": sweep, "level": 0.95, "sizes": [_payload(one) for one in found]}, lambda: _print(found))


def _payload(one: "Critical") -> dict[str, Any]:
    law = one.law
    return {
        "size": one.size,
        "noise": one.bands.to_dict("records"),
        "law": None
        if law is None
        else {"params": law.params, "intervals": law.intervals, "method": DRAWN, "notes": law.notes},
        "direct": [
            {
                "loss": at.loss,
                "batch": at.batch,
                "low": at.low,
                "high": at.high,
                "steps_min": at.steps,
                "tokens_min": at.tokens,
                "method": at.method,
                "measurements": at.table.to_dict("records"),
            }
            for at in one.direct
        ],
        "agreement": one.words(),
        "notes": one.notes,
    }


def _print(found: "tuple[Critical, ...]") -> None:
    for one in found:
        if len(one.bands):
            click.echo(f"{one.size}, by gradient noise\n{'loss':>7}{'B_noise':>10}  {'95% interval':<20}{'runs':>5}")
            for row in one.bands.to_dict("records"):
                interval = _tokens(row["low"], row["high"])
                click.echo(f"{row['loss']:>7.3f}{row['batch']:>10,.0f}  {interval:<20}{row['runs']:>5}")
        if one.law is not None:
            parts = [
                f"{name} = {value:.4g}{_interval(one.law.intervals, name)}" for name, value in one.law.params.items()
            ]
            note(f"B_crit(L) = B_star/L^(1/alpha_B): {', '.join(parts)}; {DRAWN}")
        if one.direct:
            click.echo(
                f"{one.size}, by steps and tokens to a loss\n"
                f"{'loss':>7}{'B_crit':>10}  {'95% interval':<20}{'S_min':>8}{'E_min':>12}"
            )
            for at in one.direct:
                interval = _tokens(at.low, at.high)
                click.echo(f"{at.loss:>7.3f}{at.batch:>10,.0f}  {interval:<20}{at.steps:>8,.0f}{at.tokens:>12,.0f}")
        for line in (*one.words(), *one.notes):
            note(line)


def _tokens(low: float, high: float) -> str:
    """An interval, or a dash for none."""
    return f"{low:,.0f} to {high:,.0f}" if math.isfinite(low) else "–"


def _interval(intervals: dict[str, tuple[float, float]], name: str) -> str:
    return "" if name not in intervals else f" ({intervals[name][0]:.4g} to {intervals[name][1]:.4g})"
