"""The option `--import` of every command that builds models."""

from typing import Any

import click


def _import(_: click.Context, __: click.Parameter, sources: tuple[str, ...]) -> None:
    if sources:
        from workbench.models.own import import_models

        import_models(sources)


_option: Any = click.option(
    "--import", "imports", multiple=True, metavar="MODULE", expose_value=False, callback=_import,
    help="A module or .py file that registers models of your own; may be given several times.",
)  # fmt: skip
import_option = _option
