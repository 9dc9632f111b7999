"""Options that several commands on sweeps share."""

from pathlib import Path

import click

store_option = click.option(
    "--store", "store_path", type=click.Path(path_type=Path), default=Path("store"), show_default=True, metavar="DIR",
    help="The store's folder.",
)  # fmt: skip
corpus_option = click.option(
    "--corpus", type=click.Path(path_type=Path), metavar="DIR",
    help="The prepared corpus, such as an imported sweep has beside it; by default the definition's is prepared.",
)  # fmt: skip
