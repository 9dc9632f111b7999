"""Names of fields in a definition: what is short for what, and which of them a design may not set. Free of torch."""

from collections.abc import Iterable, Mapping

from pydantic import BaseModel

from workbench.corpus.config import CorpusConfig
from workbench.models.config import ModelConfig
from workbench.training.config import HORIZONS, ExecutionConfig, TrainConfig
from workbench.words import meant

OF_A_RUN = {"size", "seed", "seed_init", "seed_data"}
"""Names without a dot that are no field of the model."""

SEEDS = ("seed", "seed_init", "seed_data")

TABLES: Mapping[str, type[BaseModel]] = {
    "model": ModelConfig,
    "train": TrainConfig,
    "execution": ExecutionConfig,
    "corpus": CorpusConfig,
}
"""The parts of a run's config."""


def plain(name: str) -> str:
    """A horizon's name without its table."""
    return name.removeprefix("train.")


def full(name: str) -> str:
    """A field's name in full: what has no dot is the model's, but for what is a run's."""
    return name if "." in name or name in OF_A_RUN else f"model.{name}"


def not_a_points(names: Iterable[str], where: str) -> str:
    """What is wrong with the first field that makes no other run of a design; nothing, mostly."""
    for name in names:
        table = name.split(".")[0]
        if table == "corpus":
            return f"{where}: {name}: the runs of a sweep share one corpus; set it in [corpus]"
        if table == "execution":
            return (
                f"{where}: {name}: how a run is executed is no part of what it is, so these would be one run; set it "
                "in [execution]"
            )
    return ""


def no_horizon(names: Iterable[str], where: str, source: str) -> str:
    """What is wrong with the first field that is a horizon, where it comes from `source` alone; nothing, mostly."""
    for name in names:
        if plain(name) in HORIZONS:
            return f"{where}: {name} is given, but the horizon comes from {source}; leave it out"
    return ""


def not_an_axis(names: Iterable[str]) -> str:
    """What is wrong with the first name of an axis that is not in full; nothing, mostly."""
    for name in names:
        if "." in name or name in SEEDS:
            continue
        tables = [table for table, config in TABLES.items() if name in config.model_fields]
        if tables:
            said = f'did you mean "{tables[0]}.{name}"? '
        else:
            said = meant(
                name, [*SEEDS, *(f"{table}.{field}" for table in TABLES for field in TABLES[table].model_fields)]
            )
        return (
            f'axes: {name} has no table; {said}{"An" if said else "an"} axis is seed or a field such as "model.n_layer"'
        )
    return ""
