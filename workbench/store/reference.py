"""The reference store: a real sweep's tables, shipped with the package so that the app shows content on first start."""

from pathlib import Path


def reference_store() -> Path:
    """The folder of the shipped store; its README says how it was made."""
    return Path(__file__).parents[1] / "reference"
