"""A comparison of laws as a person reads it."""

from typing import TYPE_CHECKING

from rich.console import Console
from rich.table import Table

from workbench.cli.output import note as echo

if TYPE_CHECKING:
    from workbench.fitting.forecasts.comparison import Comparison


def show(found: "Comparison") -> None:
    """A line a law, then who stands first by which judge."""
    frame = found.frame()
    heads = ["law", "parameters", "back-test rms", "bias", "in 95% intervals", "log score", "behind", "left-out rms"]
    likelihood = frame["aicc"].notna().any()
    table = Table(box=None, pad_edge=False, header_style="bold")
    for heading in [*heads, *(["ΔAICc"] if likelihood else [])]:
        table.add_column(heading, justify="left" if heading == "law" else "right", no_wrap=True)
    for row in frame.to_dict("records"):
        tested = row["backtest_rms"] == row["backtest_rms"]
        cells = [str(row["law"]), str(row["parameters"])]
        cells += [f"{row['backtest_rms']:.2%}", f"{row['backtest_bias']:+.2%}"] if tested else ["–", "–"]
        cells.append(f"{row['coverage']:.0%}" if row["coverage"] == row["coverage"] else "–")
        cells.append(f"{row['log_score']:.2f}")
        cells.append(f"{row['behind']:.2f} ± {row['behind_se']:.2f}" if row["behind_se"] > 0 else "–")
        table.add_row(*cells, f"{row['left_out_rms']:.2%}", *([f"{row['delta_aicc']:.1f}"] if likelihood else []))
    Console(highlight=False, width=160).print(table)
    echo(found.verdict())
    words = found.candidates[0].scores.words
    factors = ", ".join(f"{factor:g}" for factor in found.factors) or "none in common"
    echo(
        f"Over {found.points} runs. Back-tests hold out runs of more than the largest compute over {factors}; the log "
        f"score is of each of the {words} left out in turn, in nats, and behind is how far below the best, ± its "
        "standard error."
    )
    for one in found.candidates:
        if one.untested:
            echo(f"{one.law}: no back-tests. {one.untested}")
    for other in found.not_fitted:
        echo(f"{other.law}: not compared. {other.reason}")
    for note in found.notes:
        echo(f"Note: {note}")
