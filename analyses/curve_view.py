"""Training curves as a reader asks for them: any axes, any groups, one line a run or one band a group, and whatever is
thinned, folded or left out is said."""

from typing import Annotated, Any

import pandas as pd
from pydantic import Field, field_validator

from workbench.analyses.ask import one_of
from workbench.analyses.choosing import RunsChosen
from workbench.analyses.curve_bands import BANDS, SPANS, Folded, folded
from workbench.analyses.curve_reading import ACROSS, PER_DECADE, Gridded, Lines, Quantities, gridded, lines
from workbench.analyses.selection import Selection
from workbench.errors import BadInput
from workbench.reporting.document import Block, Figure
from workbench.reporting.figures.curves import Axes, curves
from workbench.reporting.figures.explore import quantity
from workbench.reporting.figures.pieces import plural

X = ("tokens", "step", "flops", "seconds")
Y = ("train_loss", "loss", "bpb", "perplexity", "learning_rate", "grad_norm", "noise_scale")

GROUPS = (
    "n_params", "budget", "tokens", "role", "rate_factor", "learning_rate", "batch_tokens", "n_layer", "d_model",
    "schedule", "sweep", "seed_init", "config_id", "run_id",
)  # fmt: skip
"""Columns of the runs by which they are grouped; keys of the configuration that vary come besides."""

FOLDS = {
    "auto": "lines, or bands if many",
    "runs": "a line a run",
    "seeds": "a band a configuration",
    "groups": "a band a group",
}
"""How runs become lines → in words. Runs of one configuration differ in their seeds alone."""

MOST = 200
"""More lines than these nobody tells apart, and a browser draws them slowly."""

POINTS, FEWEST_OF_A_RUN, MOST_OF_A_RUN = 20_000, 30, 400
"""Points that a browser draws at ease in one figure of lines, and of one run at least and at most."""


class CurvesAsk(RunsChosen):
    """Which curves, against what."""

    x: Annotated[str, one_of(X)] = "tokens"
    y: Annotated[str, one_of(Y)] = "train_loss"
    group: tuple[str, ...] = Field(default=("n_params",), min_length=1)
    """Columns of the runs, or keys of their configurations; the first colours the lines, the others change the dash."""
    fold: Annotated[str, one_of(FOLDS)] = "auto"
    band: Annotated[str, one_of(BANDS)] = "range"
    span: Annotated[int, Field(ge=0, le=10_000)] = 0
    """Of the exponentially weighted mean that smooths a curve, in recorded points; none below 2."""
    log_x: bool = True
    log_y: bool = True
    runs: tuple[str, ...] = ()
    """Only these; all where none is named."""

    @field_validator("group", mode="before")
    @classmethod
    def _one_or_several(cls, value: Any) -> Any:
        return (value,) if isinstance(value, str) else value

    @property
    def quantities(self) -> Quantities:
        """What is read of each curve."""
        return Quantities(self.x, self.y, self.span, self.log_x, self.log_y)


def blocks(selection: Selection, ask: CurvesAsk) -> list[Block]:
    """The figure."""
    runs = ask.of(selection.runs)
    if ask.runs:
        runs = runs[runs["run_id"].isin(ask.runs)]
    keys = _keys(selection, runs, ask.group)
    fold = _fold(runs, ask)
    if fold == "runs":
        return [_as_lines(selection, runs, keys, ask)]
    return [_as_bands(selection, runs, keys, fold, ask)]


def groups(selection: Selection) -> list[str]:
    """The keys by which these runs can be grouped: the usual columns, then keys of the configuration that vary."""
    several = list(selection.configs.columns[: selection.keys_that_vary])
    return [*GROUPS, *several]


def _keys(selection: Selection, runs: pd.DataFrame, names: tuple[str, ...]) -> pd.DataFrame:
    """The keys of each run, by run id."""
    columns: dict[str, pd.Series] = {}
    for name in names:
        if name in runs.columns:
            columns[name] = runs.set_index("run_id", drop=False)[name]
        elif name in selection.configs.columns:
            columns[name] = selection.configs[name].reindex(runs["run_id"])
        else:
            raise BadInput(
                f"group = {name}: it is no column of the runs and no key of their configurations; "
                f"take one of {', '.join(groups(selection))}"
            )
    return pd.DataFrame(columns, index=pd.Index(runs["run_id"], name="run_id"))


def _fold(runs: pd.DataFrame, ask: CurvesAsk) -> str:
    """How runs become lines, where the reader leaves it open."""
    if ask.fold != "auto":
        return ask.fold
    if len(runs) <= MOST:
        return "runs"
    return "seeds" if runs["config_id"].nunique() <= MOST else "groups"


def _as_lines(selection: Selection, runs: pd.DataFrame, keys: pd.DataFrame, ask: CurvesAsk) -> Figure:
    ids = sorted(runs["run_id"])
    shown = ids[:MOST]
    each = min(max(POINTS // max(len(shown), 1), FEWEST_OF_A_RUN), MOST_OF_A_RUN)
    found = lines(selection.store, shown, ask.quantities, each)
    said = [plural(found.runs, "run"), _points_said(found, each)]
    if len(shown) < len(ids):
        said.append(f"the first {len(shown)} of {len(ids):,} runs in the order of their ids: fold them to see all")
    if absent := len(shown) - found.runs:
        said.append(f"{plural(absent, 'run')} recorded none")
    if found.left_out:
        said.append(f"{plural(found.left_out, 'point')} at or below zero left out, having no place on a log axis")
    rows = found.rows.rename(columns={"run_id": "line"})
    figure = curves(rows, keys.loc[shown], Axes(ask.x, ask.y, ask.log_x, ask.log_y))
    data = found.rows.join(keys.add_prefix("group."), on="run_id").rename(columns={"x": ask.x, "y": ask.y})
    return Figure("curves", _caption(ask, said), figure, data)


def _points_said(found: Lines, each: int) -> str:
    many = len(found.rows)
    if many < found.recorded:
        return f"at most {each} evenly spaced points of each are drawn ({many:,} of {found.recorded:,})"
    return f"all {plural(found.recorded, 'recorded point')}"


def _as_bands(selection: Selection, runs: pd.DataFrame, keys: pd.DataFrame, fold: str, ask: CurvesAsk) -> Figure:
    done = runs[runs["status"] == "done"]
    names = done["config_id"] if fold == "seeds" else _named(keys.loc[done["run_id"]])
    members = {str(name): ids.tolist() for name, ids in done["run_id"].groupby(names.to_numpy(), sort=True)}
    shown = dict(list(members.items())[:MOST])
    found = folded(_curves(selection, ask, runs), shown, ask.band)
    drawn = int(found.rows["line"].nunique())
    what = "configurations" if fold == "seeds" else "groups"
    said = [f"{plural(found.runs, 'run')} folded into {drawn:,} {what if drawn != 1 else what[:-1]}"]
    said += _folding_said(found, ask)
    if len(shown) < len(members):
        said.append(f"the first {len(shown)} of {len(members):,} {what} are drawn")
    if unfinished := len(runs) - len(done):
        said.append(f"{plural(unfinished, 'run')} that did not end well left out")
    if absent := sum(len(ids) for ids in shown.values()) - found.runs:
        said.append(f"{plural(absent, 'run')} with too few points in common left out")
    looks = pd.DataFrame([keys.loc[ids[0]] for ids in shown.values()], index=pd.Index(list(shown), name="line"))
    figure = curves(found.rows, looks.astype(keys.dtypes.to_dict()), Axes(ask.x, ask.y, ask.log_x, ask.log_y))
    columns = {"line": "config_id" if fold == "seeds" else "group", "x": ask.x, "y": f"mean_{ask.y}"}
    return Figure("curves", _caption(ask, said), figure, found.rows.rename(columns=columns))


def _named(keys: pd.DataFrame) -> pd.Series:
    """The group of each run in words."""
    columns = [keys[name].astype(str) for name in keys.columns]
    return pd.Series([", ".join(values) for values in zip(*columns, strict=True)], index=keys.index, dtype=str)


def _curves(selection: Selection, ask: CurvesAsk, runs: pd.DataFrame) -> Gridded:
    """The runs on a grid: of all of the selection, kept for the next choice of groups, where these are many of them."""
    few = len(runs) <= MOST
    wanted = runs["run_id"].tolist() if few else selection.runs["run_id"].tolist()
    key = ("gridded", ask.quantities, tuple(wanted) if few else None)
    return selection.lately(key, lambda: gridded(selection.store, ask.quantities, wanted))


def _folding_said(found: Folded, ask: CurvesAsk) -> list[str]:
    grid = f"{PER_DECADE} points a decade" if ask.log_x else f"{ACROSS} points"
    banded = bool(found.rows["low"].notna().any()) if len(found.rows) else False
    said = [f"lines are means of {plural(found.recorded, 'recorded point')}, interpolated linearly at {grid}"]
    said.append("a line ends where the first of its runs does")
    if banded:
        said.append(f"bands reach {SPANS[ask.band]}")
        if ask.span < 2:  # noise of sd 1 in every record has 0.8 between two of them
            said.append("noise of single records is averaged between two, which makes bands up to a fifth narrower")
    return said


def _caption(ask: CurvesAsk, said: list[str]) -> str:
    first, *rest = [quantity(key).title for key in ask.group]
    keys = f"coloured by {first}" + (f", dashed by {' and '.join(rest)}" if rest else "")
    text = f"{quantity(ask.y).title} against {quantity(ask.x).title}, {keys}: {'; '.join(said)}"
    if ask.span >= 2:
        text += f"; smoothed by an exponentially weighted mean of span {ask.span} recorded points"
    return text[0].upper() + text[1:] + "."
