"""`workbench report SOURCE`: the scaling report of a store or a table, as one folder of every format."""

import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from workbench.cli.compare import Groups, compare_options, compared
from workbench.cli.output import emit, json_option, say
from workbench.cli.source import (
    columns_option,
    portable,
    read_source,
    resamples_option,
    seed_option,
    source_argument,
    where_option,
)

if TYPE_CHECKING:
    from workbench.reporting.document import Report


@click.command()
@source_argument
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    default=Path("report"),
    show_default=True,
    help="Folder of the report.",
)
@click.option(
    "--format",
    "formats",
    multiple=True,
    metavar="FORMAT",
    help="html, md, pdf, tex, json, csv, svg or png; several as html,pdf or one by one. Without it, all that can be "
    "made here.",
)
@click.option(
    "--templates",
    type=click.Path(path_type=Path),
    help="Folder of your own templates (report.html.j2, report.md.j2, table.tex.j2, report.typ, report.css); what it "
    "lacks is ours.",
)
@columns_option
@where_option
@resamples_option
@seed_option
@compare_options
@json_option
def command(
    source: Path, out: Path, formats: tuple[str, ...], templates: Path | None, columns: str | None, where: str | None,
    resamples: int, seed: int, as_json: bool, **comparison: Any,
) -> None:  # fmt: skip
    """Write the report of the runs of SOURCE.

    SOURCE is a store (the word reference stands for the one that ships with the workbench); a table (.csv, .tsv,
    .parquet, .jsonl), its columns found by name or given with --columns; or an export of W&B (the runs table as CSV, or
    a wandb folder), TensorBoard (a folder of event files) or MLflow (mlruns).

    It says what was run, how each law was fitted, what the laws forecast and how far a forecast can be trusted. Laws
    that the runs cannot identify are listed with the reason.

    With --compare or --by it is the report of a comparison: how many times the compute one group of runs needs for the
    loss of another, with intervals, and whether that is one number.

    \b
    workbench report mine --compare theirs                     # two stores or tables, mine the reference
    workbench report store --compare before --compare after    # two sweeps of one store
    workbench report store --by model.activation --share-e     # the values of a key

    The folder holds report.json, the source of the rest; report.html, one file that needs no network; report.md with
    its pictures; report.pdf; tables/*.tex; data/*.csv, the numbers of every figure; figures/*.svg and *.png, and
    *-column.svg for one column of a page. Exit codes: 0 done, 2 bad input.
    """
    from workbench.fitting.fit import checked_settings
    from workbench.reporting.document import check_folder
    from workbench.reporting.outputs import chosen, write
    from workbench.reporting.render_pdf import HOW
    from workbench.reporting.templating import check_templates

    checked_settings(None, "huber", 1e-3, resamples)
    kinds = chosen(formats)
    if templates is not None:
        check_templates(templates)
    check_folder(out)
    say(f"Reading {source} and fitting its laws …")
    groups = Groups(**comparison)
    if groups:
        document, lines, said = compared(source, columns, where, groups, resamples, seed)
    else:
        document, lines, said = _studied(source, columns, where, resamples, seed)
    paths = write(document, out, kinds, templates)
    files = {name: str(path) for name, path in paths.items()}
    payload: dict[str, Any] = {"source": str(source), "files": files, "summary": lines, **said}

    def text() -> None:
        for line in [*lines, "", *(f"wrote {path}" for path in dict.fromkeys(paths.values()))]:
            click.echo(line)
        if not formats and "pdf" not in kinds:
            click.echo(HOW)

    emit(as_json, payload, text)


def _studied(
    source: Path, columns: str | None, where: str | None, resamples: int, seed: int
) -> tuple["Report", list[str], dict[str, Any]]:
    """The report of the scaling study, its closing lines, and what of it the command's JSON says."""
    from workbench.analyses.scaling import study
    from workbench.analyses.scaling_report import report
    from workbench.analyses.scaling_words import summary_lines

    named = shlex.join([portable(source), *(["--columns", columns] if columns else [])])
    read = read_source(source, columns, where)
    result = study(**read, name=source.name, source=named, where=where, resamples=resamples, seed=seed)
    fitted = [{"law": fit.law, "convention": fit.convention, "identified": fit.identified} for fit in result.fits]
    not_fitted = [item.to_dict() for item in result.fits.not_fitted]
    return report(result), summary_lines(result), {"fitted": fitted, "not_fitted": not_fitted}
