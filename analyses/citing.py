"""How to cite a figure: what it shows, of which runs, made by which version."""

import hashlib

from workbench import __version__
from workbench.analyses.selection import Selection
from workbench.reporting.document import Figure


def fingerprint(selection: Selection) -> str:
    """Twelve hexadecimal digits of the runs and their losses: two readers who see the same have the same data."""
    rows = selection.runs[["run_id", "status", "loss"]].sort_values("run_id")
    return hashlib.sha256(rows.to_csv(index=False).encode()).hexdigest()[:12]


def citation(selection: Selection | None, figure: Figure) -> str:
    """One paragraph, the same for the same runs and version; of a figure that shows no runs, without them."""
    title = figure.caption.partition(". ")[0].partition(";")[0].rstrip(".")
    if selection is None:
        return f"“{title}.” Figure “{figure.name}”. The scaling-law workbench {__version__}."
    years = selection.runs["created_at"].dropna().str[:4]
    year = f"{years.max()}. " if len(years) else ""
    return (
        f"“{title}.” {year}Figure “{figure.name}” of {selection.name}, {len(selection.runs):,} runs with fingerprint "
        f"{fingerprint(selection)}. The scaling-law workbench {__version__}."
    )
