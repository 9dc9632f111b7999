"""Which code trained a run: this project's version, a hash of its source, the packages that a loss depends on."""

import hashlib
import json
from functools import cache
from importlib.metadata import version
from pathlib import Path

import workbench
from workbench import __version__

PACKAGES = ("torch", "numpy", "pandas", "pyarrow", "tokenizers", "safetensors")
"""What losses and files depend on, whose versions are recorded."""


@cache
def code_version() -> str:
    """`0.1.0+` and eight digits of a hash of the source: one that was changed and not released says so."""
    root, digest = Path(workbench.__file__).parent, hashlib.sha256()
    for path in sorted(root.rglob("*.py")):
        digest.update(path.relative_to(root).as_posix().encode() + b"\0" + path.read_bytes())
    return f"{__version__}+{digest.hexdigest()[:8]}"


def package_versions() -> dict[str, str]:
    """Package → its version."""
    return {package: version(package) for package in PACKAGES}


@cache
def packages_json() -> str:
    """The same, as a row of `runs` has it."""
    return json.dumps(package_versions())
