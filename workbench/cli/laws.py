"""`workbench laws`: every law a table may be fitted with, its formula, the columns it reads, and its source."""

from typing import Any

import click

from workbench.cli.output import emit, json_option


@click.command(epilog="Exit codes: 0 done, 1 failed, 2 bad input.")
@click.argument("name", required=False)
@json_option
def command(name: str | None, as_json: bool) -> None:
    """List the laws; with a NAME, the parameters of one.

    `workbench fit SOURCE --law NAME` fits it. Beside these, isoflop and envelope are procedures (approaches 2 and 1 of
    Hoffmann et al. 2022) that need no formula.
    """
    from workbench.fitting.laws import LAWS
    from workbench.fitting.laws.documentation import entry, listing
    from workbench.words import known_word

    if name is None:
        emit(as_json, [entry(law) for law in LAWS.values()], lambda: click.echo(listing()))
        return
    if name not in LAWS:
        known_word("NAME", name, LAWS)
    found: dict[str, Any] = entry(LAWS[name])
    emit(as_json, found, lambda: _print(found))


def _print(found: dict[str, Any]) -> None:
    click.echo(f"{found['name']}: {found['formula']}\n{found['source']}\n")
    click.echo(f"predicts {found['response']} from {', '.join(found['columns'])}")
    width = max(len(parameter["name"]) for parameter in found["parameters"])
    for parameter in found["parameters"]:
        click.echo(f"  {parameter['name']:<{width}}  {parameter['meaning']} [{parameter['unit']}]")
