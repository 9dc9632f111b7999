"""Libraries that only some need: asked for when they are used, and missed in one sentence. Free of torch."""

import importlib
from typing import Any

from workbench.errors import BadInput

EXTRAS = {"ray": "ray", "submitit": "slurm"}
"""Library → the extra that installs it."""


def require(library: str) -> Any:
    """The imported library; `BadInput` with the command that installs it where it is absent."""
    try:
        return importlib.import_module(library)
    except ModuleNotFoundError as error:
        if error.name != library:
            raise
        extra = EXTRAS[library]
        raise BadInput(
            f"--backend {extra}: {library} is not installed; pip install 'scaling-law-workbench[{extra}]'"
        ) from None
