"""A definition that continues a store: read back, it asks for exactly the runs that were asked for."""

import json

import pytest

from workbench.errors import BadInput
from workbench.models.config import ModelConfig
from workbench.models.counts import count
from workbench.runner.continuation import Ask, definition, family_of
from workbench.runner.definition import expand, read_definition
from workbench.training.horizon import resolve


def config(width=16, *, model=None, train=None, seed=0, corpus=None):
    return json.dumps(
        {
            "corpus": {"source": "python", "tokenizer": "bytes", "vocab_size": 257, **(corpus or {})},
            "model": {"n_layer": 2, "n_head": 2, "d_model": width, "vocab_size": 257, "context": 64, **(model or {})},
            "train": {"flops": 1e11, **(train or {})},
            "seed_init": seed,
            "seed_data": seed,
        }
    )


def written(tmp_path, family, asks):
    path = tmp_path / "next.toml"
    path.write_text(definition(family, asks, "next", 'of "a"', ["a remark"]))
    return expand(read_definition(path), "next.toml", 257)


def test_the_definition_asks_for_exactly_these_runs_from_new_seeds(tmp_path):
    family = family_of([config(16), config(32, seed=2)], "store")
    small, large = family.size({"d_model": 16}), family.size({"d_model": 48})
    asked = written(tmp_path, family, [Ask(small, 500_000, 3), Ask(large, 500_000, 1), Ask(large, 70_001, 1)])
    runs = sorted((one.config.model.d_model, one.level, one.config.seed_init) for one in asked)
    assert runs == [(16, 500_000, 3), (16, 500_000, 4), (16, 500_000, 5), (48, 70_001, 3), (48, 500_000, 3)]
    assert resolve(asked[0].config).tokens == pytest.approx(70_001, rel=0.01)
    assert all(one.config.seed_init == one.config.seed_data for one in asked)


def test_everything_but_size_horizon_and_seed_is_as_in_the_store(tmp_path):
    text = config(16, model={"position": "learned"}, train={"beta2": 0.95}, corpus={"max_bytes": 4_000_000})
    family = family_of([text], "store")
    (one,) = written(tmp_path, family, [Ask(family.size({"d_model": 16}), 500_000, 1)])
    assert (one.config.model.position, one.config.train.beta2) == ("learned", 0.95)
    assert one.config.corpus.max_bytes == 4_000_000 and one.config.train.flops is None


def test_widths_are_offered_between_and_beyond_as_the_heads_allow():
    family = family_of([config(16), config(64)], "store")
    sizes = family.sizes(2e6)
    widths = [size.fields["d_model"] for size in sizes]
    assert widths == sorted(set(widths)) and {16, 64} <= set(widths) and min(widths) == 16
    assert all(width % 4 == 0 for width in widths)  # two heads, each turned in pairs
    assert sizes[-1].n_params == pytest.approx(2e6, rel=0.25)
    assert sizes[0].n_params == count(ModelConfig(n_layer=2, n_head=2, d_model=16, vocab_size=257, context=64)).n_params


def test_shapes_that_differ_in_more_than_width_are_taken_as_they_are(tmp_path):
    family = family_of([config(32, model={"n_layer": 4}), config(16)], "store")
    assert [size.fields for size in family.sizes(1e9)] == [
        {"n_layer": 2, "d_model": 16},
        {"n_layer": 4, "d_model": 32},
    ]
    (one,) = written(tmp_path, family, [Ask(family.sizes(1e9)[1], 500_000, 1)])
    assert (one.config.model.n_layer, one.config.model.d_model) == (4, 32)


def test_a_rate_set_for_each_size_stays_with_it(tmp_path):
    family = family_of([config(w, train={"learning_rate": r}) for w, r in ((16, 0.02), (32, 0.01))], "store")
    sizes = family.sizes(1e9)
    assert [size.fields["d_model"] for size in sizes] == [16, 32]
    (one,) = written(tmp_path, family, [Ask(sizes[1], 500_000, 1)])
    assert one.config.train.learning_rate == 0.01


@pytest.mark.parametrize(
    ("configs", "message"),
    [
        ([config(16), config(16, train={"beta2": 0.9})], "train.beta2 = 0.99 and 0.9"),
        ([config(16), config(16, model={"activation": "relu"})], "model.activation"),
        (
            [config(16, train={"learning_rate": 0.1}), config(16, train={"learning_rate": 0.2})],
            "several learning rates",
        ),
        ([], "no runs"),
        (['{"model": {"n_layer": 1}}'], "the config of a run"),
    ],
)
def test_runs_that_no_definition_could_continue_are_refused(configs, message):
    with pytest.raises(BadInput, match=message):
        family_of(configs, "store")
