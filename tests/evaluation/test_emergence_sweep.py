"""`sweeps/emergence.toml` against what it says of itself."""

from pathlib import Path

import pytest

from workbench.corpus.tasks import task
from workbench.evaluation import PROBES
from workbench.runner.definition import SweepDefinition, expand, read_definition
from workbench.training.horizon import resolve

PATH = Path(__file__).parents[2] / "sweeps" / "emergence.toml"


@pytest.fixture(scope="module")
def definition() -> SweepDefinition:
    return read_definition(PATH)


def test_a_window_is_one_problem_of_the_vocabulary(definition: SweepDefinition):
    problems = task(definition.corpus.source, {**definition.corpus.settings, "problems": 512})
    text = "".join(document.text for document in problems.documents())
    context = definition.model["context"]
    assert {text[i] for i in range(0, len(text), context)} == {"\n"}
    assert text.count("\n") * context == len(text)
    assert len(set(text)) == definition.corpus.vocab_size
    # An item with the newline that ends it is one token more than a window: inputs and targets of one training window.
    assert {len(item.prompt + item.answer) for item in problems.items(50)} == {context + 1}


def test_every_size_has_the_seeds_and_sees_no_problem_twice(definition: SweepDefinition):
    runs = expand(definition, str(PATH), definition.corpus.resolved_vocab_size)
    assert len(definition.sizes) >= 4
    seeds = {name: {run.config.seed_init for run in runs if run.size == name} for name in definition.sizes}
    assert all(len(seen) >= 3 for seen in seeds.values())
    characters = definition.corpus.settings["problems"] * definition.model["context"]
    tokens = max(resolve(run.config).tokens for run in runs)
    assert tokens < characters * (1 - 1.5 * definition.corpus.validation_fraction)
    assert set(definition.sweep.probes) <= set(PROBES)
