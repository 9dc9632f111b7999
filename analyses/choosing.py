"""Which runs a figure shows: the choices that the pages on runs and on curves share."""

import numpy as np
import pandas as pd

from workbench.analyses.ask import Ask
from workbench.fitting.tables.filtering import filtered


class RunsChosen(Ask):
    """Only some of the runs; all where nothing is named."""

    roles: tuple[str, ...] = ()
    statuses: tuple[str, ...] = ()
    budgets: tuple[float, ...] = ()
    """In FLOPs; they match by closeness, for a link and a command round them."""
    where: str = ""
    """A DuckDB condition on the columns of the runs."""

    def of(self, runs: pd.DataFrame) -> pd.DataFrame:
        """Those of the runs that pass."""
        for column, wanted in (("role", self.roles), ("status", self.statuses)):
            if wanted:
                runs = runs[runs[column].isin(wanted)]
        if self.budgets:
            apart = runs["budget"].to_numpy(float)[:, None] / np.array(self.budgets)[None, :] - 1
            runs = runs[(np.abs(apart) < 1e-3).any(axis=1)]
        return filtered(runs, self.where, "the runs") if self.where and len(runs) else runs
