"""What a fit leaves behind: an immutable record of its numbers, their intervals, its residuals and its weaknesses."""

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from workbench.errors import BadInput
from workbench.fitting.determined import UNDETERMINED, Interval
from workbench.fitting.forecasts.cost import Cost
from workbench.fitting.laws import LAWS
from workbench.fitting.laws.base import Array, Law

if TYPE_CHECKING:
    import plotly.graph_objects as go

CONVENTION_LABELS = {"n": "total", "n_non_embedding": "non-embedding"}
"""Column of N in a canonical table → what people call it."""


@dataclass(frozen=True)
class Fit:
    """One law with numbers. `params` are the law's own symbols; `derived` are read off them."""

    law: str
    """Name of the law, a key of `LAWS`, or `isoflop`, `envelope`, `threshold`."""
    objective: str
    """Name of the objective, a key of `OBJECTIVES`."""
    delta: float | None
    """Corner of the Huber objective; None for the others."""
    objective_value: float
    """The objective at the optimum (`huber` and `lad` are sums over points)."""
    n_points: int
    """Points the fit used."""
    params: dict[str, float]
    """Point estimates."""
    intervals: dict[str, Interval]
    """Interval of each parameter, at `level`."""
    level: float
    """Coverage the intervals aim at, such as 0.95."""
    interval_method: str
    """How the intervals were made, in a few words."""
    convention: str
    """Which N: the canonical column `n` (total, or as the table has it) or `n_non_embedding`."""
    conventions: dict[str, str]
    """Statements of what N, D, C and the loss are."""
    notes: tuple[str, ...] = ()
    """What a reader must know: dropped rows, weak identification, assumptions."""
    identified: bool = True
    """False where the data do not determine the parameters; the notes say why."""
    derived: dict[str, float] = field(default_factory=dict)
    """Quantities computed from the parameters: the exponents a and b, for example."""
    derived_intervals: dict[str, Interval] = field(default_factory=dict)
    """Their intervals."""
    resamples: int = 0
    """Bootstrap resamples behind the intervals."""
    tail: float | None = None
    """Share of draws beyond each end of an interval, where it is not (1 − level)/2."""
    cost: Cost = field(default_factory=Cost)
    """C as a function of N and D, which turns compute into N and D in forecasts."""
    setting: dict[str, Any] = field(default_factory=dict)
    """What of the table the law depends on: its groups, its domains."""
    diagnostics: dict[str, Any] = field(default_factory=dict)
    """How the optimum was found: the certificate, the decrease a Newton step still promises, theta itself."""
    residuals: pd.DataFrame = field(default_factory=pd.DataFrame, repr=False, compare=False)
    """One row a point: n, d, c, loss, predicted, residual = ln loss − ln predicted, and its labels."""
    resample_params: Array = field(default_factory=lambda: np.empty((0, 0)), repr=False, compare=False)
    """Bootstrap draws (resamples, parameters), in the order of `params`."""
    extra: dict[str, Any] = field(default_factory=dict, repr=False, compare=False)
    """Tables that belong to one law alone: `minima` of isoflop, `hull` of envelope."""

    def interval(self, name: str) -> Interval:
        """The interval of a parameter or a derived quantity."""
        if name in self.intervals:
            return self.intervals[name]
        if name in self.derived_intervals:
            return self.derived_intervals[name]
        known = ", ".join([*self.intervals, *self.derived_intervals]) or "none"
        raise BadInput(f"{self.law} has no interval of '{name}'; it has {known}.")

    def value(self, name: str) -> float:
        """A parameter or a derived quantity."""
        if name in self.params:
            return self.params[name]
        if name in self.derived:
            return self.derived[name]
        raise BadInput(f"{self.law} has no '{name}'; it has {', '.join([*self.params, *self.derived])}.")

    @property
    def undetermined(self) -> tuple[str, ...]:
        """The parameters and derived quantities that these data leave open: an estimate of one is no number to use."""
        from workbench.fitting.diagnostics.identification import undetermined

        return undetermined(self)

    def said(self, name: str, style: str, ends: str) -> tuple[str, str]:
        """A number and its interval in these styles, or the words that stand where the data leave it open."""
        if name in self.undetermined:
            return UNDETERMINED, ""
        low, high = {**self.intervals, **self.derived_intervals}.get(name, (math.nan, math.nan))
        return f"{self.value(name):{style}}", f"{low:{ends}} to {high:{ends}}" if low == low else "none"

    @property
    def cut(self) -> float:
        """The share of draws an interval leaves at each end."""
        return (1 - self.level) / 2 if self.tail is None else self.tail

    def draws(self) -> dict[str, Array]:
        """The bootstrap draws of each parameter, arrays of length `resamples`."""
        return {name: self.resample_params[:, i] for i, name in enumerate(self.params)} if self.resamples else {}

    def predict(self, *unnamed: object, **columns: ArrayLike) -> Array:
        """The law's response (the loss, in nats per token) at its columns: sizes `n`, tokens `d`, compute `c`, …"""
        return self._predict(
            {name: np.float64(value) for name, value in self.params.items()}, self.inputs(columns, unnamed)
        )

    def predict_interval(
        self, *unnamed: object, level: float | None = None, **columns: ArrayLike
    ) -> tuple[Array, Array]:
        """Interval of the law's response, from the bootstrap draws, at `level` (the fit's own by default).

        The noise of one run is not in it: `workbench.fitting.prediction_interval` is that of a new run.
        """
        given = self.inputs(columns, unnamed)
        if not self.resamples:
            raise BadInput(f"{self.law} was fitted with no resamples, so it has no intervals; ask for some.")
        draws = {name: value[:, None] for name, value in self.draws().items()}
        cut = self._cut_at(level)
        low, high = np.nanquantile(
            self._predict(draws, {name: np.atleast_1d(value) for name, value in given.items()}), [cut, 1 - cut], axis=0
        )
        return low, high

    def _cut_at(self, level: float | None) -> float:
        """The share of draws to leave at each end at a level, with the degrees of freedom of the fit's own cut."""
        if level is None or level == self.level:
            return self.cut
        if not 0 < level < 1:
            raise BadInput(f"level is {level:g}; it must lie between 0 and 1, such as 0.95.")
        if self.cut == 0:
            raise BadInput(
                f"level is {level:g}, but the draws of {self.law} are the edges of a region at {self.level:g}; "
                f"fit with level={level:g}."
            )
        share, own = (1 - level) / 2, (1 - self.level) / 2
        if abs(self.cut - own) < 1e-12:
            return share
        from scipy.special import ndtr, ndtri, stdtridf, stdtrit

        # `cut` is the normal distribution at Student's quantile (bootstrap.tail): so its degrees of freedom
        freedom = float(stdtridf(own, float(ndtri(self.cut))))
        return float(ndtr(stdtrit(freedom, share)))

    @property
    def configured_law(self) -> Law:
        """The law behind the numbers, for the groups or domains it was fitted to."""
        law = LAWS.get(self.law)
        if law is None:
            raise BadInput(f"{self.law} predicts no loss of single runs; use one of {', '.join(LAWS)}.")
        return law.configured(**self.setting)

    def inputs(self, columns: Mapping[str, ArrayLike], unnamed: tuple[object, ...] = ()) -> dict[str, Array]:
        """What the law reads of the columns given, as arrays; what is no column, or no run can have, is refused."""
        from workbench.fitting.tables.columns import COLUMNS, SHARE, meaning_of

        law = self.configured_law
        reads = " and ".join(law.columns)
        if unnamed:
            named = ", ".join(f"{name}=…" for name in law.columns)
            raise BadInput(f"{self.law} predicts from columns given by name; write {named}.")
        for name in columns:
            if name not in COLUMNS and name not in law.columns and not name.startswith(SHARE):
                raise BadInput(
                    f"'{name}' is no column; {self.law} predicts from {reads} (predict_interval takes level too, and "
                    "prediction_interval is that of a new run)."
                )
        missing = [name for name in law.columns if columns.get(name) is None]
        if missing:
            raise BadInput(f"{self.law} predicts from {reads}; {' and '.join(missing)} is missing.")
        found: dict[str, Array] = {}
        for name in law.columns:
            kind = meaning_of(name)
            if kind.text:
                found[name] = _words(columns[name])
                continue
            try:
                values = np.asarray(columns[name], dtype=np.float64)
            except (TypeError, ValueError):
                raise BadInput(f"{name} is {columns[name]!r}; {kind.meaning} {kind.right()}.") from None
            wrong = kind.wrong(values) & ~np.isposinf(values)  # a law has limits
            if wrong.any():
                raise BadInput(f"{name} is {values[wrong].flat[0]:g}; {kind.meaning} {kind.right()}.")
            found[name] = values
        return found

    def _predict(self, params: Mapping[str, Any], inputs: Mapping[str, Array]) -> Array:
        return self.configured_law.predict(params, **inputs)

    def summary(self) -> str:
        """The fit as a page of text, in the manner of statsmodels."""
        from workbench.fitting.summary import summary

        return summary(self)

    def plot(self) -> "go.Figure":
        """Observed against predicted, and the residuals: a plotly figure."""
        from workbench.fitting.plot import plot

        return plot(self)

    def to_dict(self) -> dict[str, Any]:
        """The record as JSON types; draws and tables are left out."""
        return {
            "law": self.law,
            "objective": self.objective,
            "objective_value": self.objective_value,
            "n_points": self.n_points,
            "params": dict(self.params),
            "intervals": {name: list(pair) for name, pair in self.intervals.items()},
            "level": self.level,
            "conventions": dict(self.conventions),
            "notes": list(self.notes),
            "identified": self.identified,
            "undetermined": list(self.undetermined),
            "delta": self.delta,
            "convention": self.convention,
            "interval_method": self.interval_method,
            "resamples": self.resamples,
            "tail": self.tail,
            "derived": dict(self.derived),
            "derived_intervals": {name: list(pair) for name, pair in self.derived_intervals.items()},
            "setting": dict(self.setting),
            "cost": {"k": self.cost.k, "tilt": self.cost.tilt},
            "diagnostics": dict(self.diagnostics),
        }

    def to_json(self) -> str:
        """The record as one line of JSON; NaN and infinities become null."""
        import json

        return json.dumps(_finite(self.to_dict()), allow_nan=False)

    @classmethod
    def from_dict(cls, record: Mapping[str, Any]) -> "Fit":
        """A record read back: everything but the draws and the tables."""
        fields = dict(record)
        for key in ("intervals", "derived_intervals"):
            fields[key] = {
                name: (math.nan if low is None else low, math.nan if high is None else high)
                for name, (low, high) in dict(fields.get(key, {})).items()
            }
        for key in ("params", "derived"):
            fields[key] = {
                name: math.nan if value is None else value for name, value in dict(fields.get(key, {})).items()
            }
        fields["notes"] = tuple(fields.get("notes", ()))
        fields["resamples"] = 0
        fields["cost"] = Cost(**fields.get("cost", {}))
        known = {key: value for key, value in fields.items() if key in cls.__dataclass_fields__}
        return cls(**known)

    def _repr_html_(self) -> str:
        from html import escape

        rows = "".join(
            f"<tr><th>{escape(name)}</th><td>{value}</td><td>{ends}</td></tr>"
            for name in (*self.params, *self.derived)
            for value, ends in [self.said(name, ".6g", ".4g")]
        )
        notes = "".join(f"<li>{escape(note)}</li>" for note in self.notes)
        head = f"<tr><th></th><th>estimate</th><th>{100 * self.level:g}% interval</th></tr>"
        title = f"{escape(self.law)}: {self.n_points} points, {escape(self.objective)} = {self.objective_value:.8g}"
        return f"<h4>{title}</h4><table>{head}{rows}</table><ul>{notes}</ul>"


@dataclass(frozen=True)
class NotFitted:
    """A law that the data cannot identify, and why."""

    law: str
    reason: str
    convention: str = "n"

    def to_dict(self) -> dict[str, str]:
        """As JSON types."""
        return {"law": self.law, "reason": self.reason, "convention": self.convention}


class NotIdentifiable(BadInput):
    """Raised by a law that the table cannot identify; `fit_all` lists it as `NotFitted`."""


@dataclass(frozen=True)
class FitSet:
    """Every law under every convention of N: those fitted, and those not, with the reason."""

    fits: tuple[Fit, ...]
    not_fitted: tuple[NotFitted, ...] = ()
    notes: tuple[str, ...] = ()

    def __iter__(self) -> Iterator[Fit]:
        return iter(self.fits)

    def get(self, law: str, convention: str = "n") -> Fit | None:
        """The fit of a law under a convention, or None where there is none."""
        return next((fit for fit in self.fits if (fit.law, fit.convention) == (law, convention)), None)

    def frame(self) -> pd.DataFrame:
        """One row a parameter: law, convention, name, value, low, high, identified."""
        rows = [
            (fit.law, fit.convention, name, value, low, high, fit.identified)
            for fit in self.fits
            for name, value in {**fit.params, **fit.derived}.items()
            for low, high in [{**fit.intervals, **fit.derived_intervals}.get(name, (np.nan, np.nan))]
        ]
        return pd.DataFrame(rows, columns=["law", "convention", "name", "value", "low", "high", "identified"])

    def to_dict(self) -> dict[str, Any]:
        """As JSON types."""
        return {
            "fits": [fit.to_dict() for fit in self.fits],
            "not_fitted": [other.to_dict() for other in self.not_fitted],
            "notes": list(self.notes),
        }


def _words(values: ArrayLike) -> Array:
    """Names as a table has them: a whole number, float or not, by its digits."""

    def word(value: Any) -> str:
        whole = isinstance(value, float | np.floating) and value % 1 == 0
        return str(int(value) if whole else value)

    given = np.asarray(values, dtype=object)
    return np.array([word(value) for value in given.ravel()], dtype=object).reshape(given.shape)


def _finite(value: Any) -> Any:
    """`value` with NaN and infinities replaced by None, and NumPy scalars unwrapped."""
    if isinstance(value, Mapping):
        return {str(key): _finite(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(item) for item in value]
    if hasattr(value, "tolist"):
        return _finite(value.tolist())
    return None if isinstance(value, float) and not math.isfinite(value) else value
