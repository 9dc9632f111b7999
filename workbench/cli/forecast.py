"""`workbench forecast`: what a larger model would give, what decisions cost, and how earlier such forecasts erred."""

from pathlib import Path

import click

from workbench.cli.output import emit, json_option, working
from workbench.cli.source import (
    as_typed,
    columns_option,
    delta_option,
    fix_option,
    intervals_option,
    level_option,
    load_source,
    noise_option,
    numbers,
    objective_option,
    resamples_option,
    seed_option,
    source_argument,
    where_option,
)
from workbench.errors import BadInput


@click.command(
    epilog="Exit codes: 0 done, 1 failed, 2 bad input, or no law could be fitted. "
    "A law that the data do not identify is marked so, and leaves with 0."
)
@source_argument
@click.option(
    "--compute",
    "computes",
    type=float,
    multiple=True,
    metavar="C",
    help="FLOPs to spend; may be given often, as may --n-params and --tokens. Alone: the optimal N and D. With nothing "
    "given: 10× and 100× the largest budget.",
)
@click.option(
    "--n-params",
    "sizes",
    type=float,
    multiple=True,
    metavar="N",
    help="Forecast the loss of this size, trained on --tokens or with --compute; alone, on the tokens optimal for it.",
)
@click.option(
    "--tokens",
    type=float,
    multiple=True,
    metavar="D",
    help="Forecast the loss of so many tokens, of --n-params or with --compute; alone, of the size optimal for them.",
)
@click.option(
    "--loss", "losses", type=float, multiple=True, metavar="L", help="The compute, N and D that reach this loss."
)
@click.option(
    "--depart",
    metavar="K,…",
    help="What sizes of K times the optimum cost at the same compute, and how flat the optimum is: 0.5,2,4.",
)
@click.option(
    "--inference-tokens",
    type=float,
    metavar="T",
    help="Tokens to be served: the N and D cheapest in training and inference together, as good as the optimum of "
    "--compute or of --loss.",
)
@click.option(
    "--unique-tokens",
    type=float,
    metavar="U",
    help="Distinct tokens there are: what repeating them costs, and the best N and D with no more.",
)
@click.option(
    "--multiplier",
    "multipliers",
    type=float,
    multiple=True,
    metavar="M",
    help="The loss that M times the compute saves, spent optimally.",
)
@click.option(
    "--gap",
    "gaps",
    type=float,
    multiple=True,
    metavar="NATS",
    help="How many times the compute a loss lower by so much takes.",
)
@click.option("--law", default="chinchilla", show_default=True, help="The parametric law: one of N and D.")
@intervals_option
@objective_option
@delta_option
@fix_option
@noise_option
@columns_option
@where_option
@resamples_option
@seed_option
@level_option
@json_option
@as_typed
def command(
    source: Path,
    computes: tuple[float, ...],
    sizes: tuple[float, ...],
    tokens: tuple[float, ...],
    losses: tuple[float, ...],
    depart: str | None,
    inference_tokens: float | None,
    unique_tokens: float | None,
    multipliers: tuple[float, ...],
    gaps: tuple[float, ...],
    law: str,
    intervals: str,
    objective: str,
    delta: float,
    fixed: tuple[str, ...],
    noise: str,
    columns: str | None,
    where: str | None,
    resamples: int,
    seed: int,
    level: float,
    as_json: bool,
) -> None:
    """Forecast from the runs of SOURCE.

    SOURCE is a store (the word reference stands for the one that ships with the workbench); a table (.csv, .tsv,
    .parquet, .jsonl), its columns found by name or given with --columns; or an export of W&B (the runs table as CSV, or
    a wandb folder), TensorBoard (a folder of event files) or MLflow (mlruns).

    For each compute: the optimal N and D and the loss, by the parametric law with the isoFLOP law beside it; or the
    loss at a given N, D or C, any two of which give the third. Beside the interval of the law stands that of one run,
    which has the run's noise in it. Beside every forecast stands how far the same law, fitted without the runs of most
    compute, missed these. What the runs leave open is marked "not determined".
    """
    from workbench.cli.forecast_text import show
    from workbench.fitting.fit import checked_settings
    from workbench.fitting.forecasts.forecast import forecast
    from workbench.fitting.forecasts.question import Question, checked_law

    question = Question(
        computes, sizes, tokens, losses, _factors(depart), inference_tokens, unique_tokens, multipliers, gaps
    )
    question.checked()
    checked_law(law)
    checked_settings(law, objective, delta, resamples, level, intervals)
    held = numbers("--fix", "a parameter", "alpha=0.35", fixed)
    loaded = load_source(source, columns, where)
    with working(f"Fitting {law}, and again for its back-tests"):
        found = forecast(
            loaded.table, resamples=resamples, seed=seed, question=question, law=law, level=level, intervals=intervals,
            objective=objective, delta=delta, fixed=held or None, noise=noise,
        )  # fmt: skip
    emit(as_json, found.to_dict(), lambda: show(found))


def _factors(text: str | None) -> tuple[float, ...]:
    """`0.5,2,4` as numbers."""
    if text is None:
        return ()
    try:
        return tuple(float(part) for part in text.split(","))
    except ValueError:
        raise BadInput(f"--depart is '{text}'; it must be factors of the optimal size, such as 0.5,2,4.") from None
