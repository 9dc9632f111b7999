"""Libraries that only some need: asked for when they are used, and missed in one sentence. Free of torch."""

import importlib
import importlib.util
from typing import Any

from workbench.errors import BadInput

EXTRAS = {"ray": "ray", "submitit": "slurm"}
"""Library → the extra that installs it."""


def check_installed(library: str) -> None:
    """Refuse where the library is absent, with the command that installs it; imports nothing."""
    if importlib.util.find_spec(library) is None:
        extra = EXTRAS[library]
        raise BadInput(f"--backend {extra}: {library} is not installed; pip install 'scaling-law-workbench[{extra}]'")


def require(library: str) -> Any:
    """The imported library; `BadInput` where it is absent."""
    check_installed(library)
    return importlib.import_module(library)
