"""`workbench laws`: every law a table may be fitted with and its source; or one in full."""

import click

from workbench.cli.output import emit, json_option


@click.command(epilog="Exit codes: 0 done, 1 failed, 2 bad input.")
@click.argument("name", required=False)
@json_option
def command(name: str | None, as_json: bool) -> None:
    """List the laws, each with its formula and its source; with a NAME, show one in full.

    `workbench fit SOURCE --law NAME` fits it. Beside these, isoflop and envelope are procedures (approaches 2 and 1 of
    Hoffmann et al. 2022) that need no formula.
    """
    from workbench.fitting.laws import LAWS
    from workbench.fitting.laws.documentation import entry, listing, page
    from workbench.words import known_word

    if name is None:
        emit(as_json, [entry(law) for law in LAWS.values()], lambda: click.echo(listing()))
        return
    known_word("NAME", name, LAWS)
    emit(as_json, entry(LAWS[name]), lambda: click.echo(page(LAWS[name])))
