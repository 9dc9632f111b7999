"""A sweep's design: the points that it trains, each a size, a horizon, and what else it sets. Free of torch."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, ValidationError, field_validator

from workbench.runner.fields import full, no_horizon, not_a_points, plain
from workbench.runner.ranges import Range
from workbench.training.config import Frozen
from workbench.validation import sentence

LevelledType = Literal["isoflop", "grid", "ladder"]
DesignType = Literal["isoflop", "grid", "ladder", "random", "latin-hypercube", "list"]
HorizonName = Literal["flops", "tokens", "tokens_per_param"]

HORIZON_OF: Mapping[str, HorizonName] = {"isoflop": "flops", "grid": "tokens", "ladder": "tokens_per_param"}
"""Design of levels × sizes → the horizon that its levels are."""
DRAWN = ("random", "latin-hypercube")
HORIZON_NAMES: tuple[HorizonName, ...] = ("flops", "tokens", "tokens_per_param")
FIELDS_OF: Mapping[str, set[str]] = {
    **{name: {"levels", "trunk"} for name in HORIZON_OF},
    **{name: {"levels", "horizon", "draws", "seed", "fields"} for name in DRAWN},
    "list": {"points"},
}
"""Design → what its table may hold beside `type`."""


def _no_truth(value: Any) -> Any:
    """Refuse true, which would count as 1."""
    if isinstance(value, bool):
        raise ValueError("it should be a number")
    return value


Level = Annotated[float, BeforeValidator(_no_truth), Field(gt=0)]
"""FLOPs, tokens, or tokens per parameter."""


class Budget(Frozen):
    """One level of a design, and the sizes trained at it."""

    level: Level
    """As in `levels`."""
    sizes: tuple[str, ...] = ()
    """Names of sizes; none means all."""


@dataclass(frozen=True)
class Point:
    """A point of a design."""

    level: float
    """Its horizon, as a number."""
    size: str
    """A name of [sizes], or of the point where the sizes have no names."""
    horizon: str
    """What the level is: a field of `TrainConfig`."""
    fields: Mapping[str, Any] = field(default_factory=dict)
    """What else the point sets, dotted."""


class Design(Frozen):
    """Levels × sizes, drawn points, or a list of points."""

    type: DesignType
    """`isoflop`, `grid` and `ladder` are levels × sizes, a level being training FLOPs, tokens, or tokens per parameter;
    `random` and `latin-hypercube` draw points from `fields`; `list` has `points`."""
    levels: tuple[Level | Budget, ...] = ()
    """Numbers, or tables `{ level = …, sizes = […] }` where a level has sizes of its own. Of drawn points numbers
    alone: each point is trained at every level."""
    trunk: bool = False
    """With `schedule = "wsd"`: train each size once at a constant rate to its largest level, and let the runs of its
    other levels branch off where their decays begin."""
    horizon: HorizonName | None = None
    """Of drawn points with `levels`: what a level is."""
    draws: int | None = Field(default=None, gt=0, le=1_000_000)
    """Of drawn points: how many."""
    seed: int = Field(default=0, ge=0, lt=2**31)
    """Of drawn points: another seed draws others."""
    fields: dict[str, Range | tuple[Any, ...]] = Field(default_factory=dict)
    """Of drawn points: what varies. A field, dotted or of the model, `seed`, `size`, or one horizon → a range, or a
    list of choices."""
    points: tuple[dict[str, Any], ...] = ()
    """Of a list: tables, each with one of `flops`, `tokens` and `tokens_per_param`, and any of `size`, `seed`, and
    other fields, dotted or of the model."""

    @field_validator("fields", mode="before")
    @classmethod
    def _ranges_in_words(cls, given: Any) -> Any:
        """Say what is wrong with a range by the field's name."""
        if not isinstance(given, dict):
            return given
        for name, values in given.items():
            if isinstance(values, dict):
                try:
                    Range.model_validate(values)
                except ValidationError as error:
                    raise ValueError(f'"{name}": {sentence(error, Range)}') from None
            elif not isinstance(values, Range | list | tuple) or not values:
                raise ValueError(
                    f'"{name}" = {values!r}: it should be a range such as {{ low = 16, high = 128, log = true }}, or a '
                    "list of choices"
                )
        return given

    @property
    def horizon_source(self) -> str:
        """The key that says how long a run is."""
        return "design.levels" if self.levels else "design.points" if self.type == "list" else "design.fields"

    def problem(self, sizes: Sequence[str]) -> str:
        """What is wrong with the table as a whole, or with the names of sizes in it; nothing, mostly."""
        wrong = sorted((self.model_fields_set - {"type"}) - FIELDS_OF[self.type])
        if wrong:
            right = ", ".join(sorted(FIELDS_OF[self.type]))
            return f'design.{wrong[0]} is given with design.type = "{self.type}", which has {right}; leave it out'
        found = (
            self._of_list() if self.type == "list" else self._of_draws() if self.type in DRAWN else self._of_levels()
        )
        if found or self.type in HORIZON_OF:
            return found or (
                "" if sizes else f'[sizes] is missing; design.type = "{self.type}" needs at least one size'
            )
        named = [*self._choices("size"), *(point["size"] for point in self.points if "size" in point)]
        if clash := next((size for size in sizes if re.fullmatch(r"p\d+", size)), None):
            return f"[sizes] has {clash!r}, which is how the points of this design are named; give it another name"
        for size in named:
            if size not in sizes:
                return f"design names the size {size!r}; the sizes are {', '.join(sizes) or 'none'}"
        return ""

    def _of_levels(self) -> str:
        return "" if self.levels else "design.levels is missing or empty; give at least one level"

    def _of_draws(self) -> str:
        horizons = [name for name in self.fields if plain(name) in HORIZON_NAMES]
        if self.draws is None:
            return f'design.draws is missing; design.type = "{self.type}" needs the number of points to draw'
        if not self.fields:
            return "design.fields is missing or empty; it should hold at least one field, with its range or its choices"
        if "size" in self.fields and not isinstance(self.fields["size"], tuple):
            return "design.fields.size: it should be a list of names of [sizes]"
        if any(isinstance(level, Budget) for level in self.levels):
            return f'design.levels holds a table; with design.type = "{self.type}" levels are numbers'
        if bool(self.levels) != (self.horizon is not None):
            return "design.levels and design.horizon go together: the horizon says what a level is"
        if len(horizons) + bool(self.levels) != 1:
            return (
                f"design.fields has {len(horizons)} horizons{' beside design.levels' if self.levels else ''}; a run "
                f"has one: give {', '.join(HORIZON_NAMES[:-1])} or {HORIZON_NAMES[-1]} in design.fields, or "
                "design.levels with design.horizon"
            )
        return self._not_of_a_point(self.fields, "design.fields")

    def _of_list(self) -> str:
        if not self.points:
            return "design.points is missing or empty; give at least one point, such as { d_model = 16, tokens = 1e6 }"
        for number, point in enumerate(self.points):
            where = f"design.points[{number}]"
            horizons = [name for name in point if plain(name) in HORIZON_NAMES]
            if len(horizons) != 1:
                return f"{where} has {len(horizons)} horizons; it should have one of {', '.join(HORIZON_NAMES)}"
            level = point[horizons[0]]
            if isinstance(level, bool) or not isinstance(level, int | float) or not level > 0:
                return f"{where}: {horizons[0]} = {level!r}: it should be a number above 0"
            if wrong := self._not_of_a_point(point, where):
                return wrong
        return ""

    @staticmethod
    def _not_of_a_point(names: Iterable[str], where: str) -> str:
        """What is wrong with the names of a point's fields; a horizon in steps is none of a design."""
        others = [name for name in names if plain(name) not in HORIZON_NAMES]
        return not_a_points(others, where) or no_horizon(others, where, ", ".join(HORIZON_NAMES))

    def _choices(self, name: str) -> tuple[Any, ...]:
        values = self.fields.get(name, ())
        return values if isinstance(values, tuple) else ()

    def expanded(self, sizes: Sequence[str]) -> list[Point]:
        """Every point, in the order written or drawn."""
        if self.type in HORIZON_OF:
            return [Point(level, size, HORIZON_OF[self.type]) for level, size in self._levels_and_sizes(sizes)]
        if self.type == "list":
            return [_point(point, f"p{number + 1}", sizes) for number, point in enumerate(self.points)]
        from workbench.runner.drawing import drawn

        draws = drawn(self, sizes)
        levels: list[dict[str, Any]] = [{str(self.horizon): level} for level in self.levels] or [{}]
        named = [(f"p{number + 1}", draw) for number, draw in enumerate(draws)]
        return [_point(draw | level, name, sizes) for level in levels for name, draw in named]

    def _levels_and_sizes(self, sizes: Sequence[str]) -> Iterator[tuple[float, str]]:
        for level in self.levels:
            if isinstance(level, Budget):
                yield from ((level.level, size) for size in level.sizes or sizes)
            else:
                yield from ((level, size) for size in sizes)


def _point(given: Mapping[str, Any], name: str, sizes: Sequence[str]) -> Point:
    """A point from its table: one horizon, a size if any, and other fields."""
    (horizon,) = (key for key in given if plain(key) in HORIZON_NAMES)
    fields = {full(key): value for key, value in given.items() if key not in (horizon, "size")}
    if "seed" in fields:
        fields |= dict.fromkeys(("seed_init", "seed_data"), fields.pop("seed"))
    alone = sizes[0] if len(sizes) == 1 else name
    return Point(float(given[horizon]), str(given.get("size", alone)), plain(horizon), fields)
