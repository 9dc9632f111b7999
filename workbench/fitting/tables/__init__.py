"""Any table of runs as the one that every law reads: files, exports of trackers, columns by name, nonsense refused."""

from workbench.fitting.tables.canonical import canonical, described, final_points, from_runs, read_table, stated
from workbench.fitting.tables.checks import checked, lacking
from workbench.fitting.tables.filtering import filtered

__all__ = [
    "canonical",
    "checked",
    "described",
    "filtered",
    "final_points",
    "from_runs",
    "lacking",
    "read_table",
    "stated",
]
