"""Recall is compared with a dictionary filled from the first half of each example."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from workbench.corpus.tasks import task
from workbench.corpus.tasks.recall import AssociativeRecall
from workbench.errors import BadInput


def pairs(half: str) -> list[tuple[str, str]]:
    return list(zip(half[::2], half[1::2], strict=True))


@settings(max_examples=25)
@given(st.integers(1, 6), st.integers(1, 6), st.integers(0, 5))
def test_each_query_has_the_value_bound_in_its_example(n_pairs: int, n_queries: int, seed: int) -> None:
    n_queries = min(n_pairs, n_queries)
    given_settings = {"n_pairs": n_pairs, "n_queries": n_queries, "n_keys": 8, "examples": 30, "seed": seed}
    recall = task("associative-recall", given_settings)
    assert isinstance(recall, AssociativeRecall)
    text = "".join(document.text for document in recall.documents())
    assert len(text) == 30 * recall.example_length
    for line in text[1:].split("\n"):
        bindings, queries = (pairs(half) for half in line.split("|"))
        assert len(dict(bindings)) == n_pairs
        assert len(dict(queries)) == n_queries
        assert set(queries) <= set(bindings)


def test_no_test_item_is_in_the_training_text_whatever_the_seed() -> None:
    small = {"n_pairs": 2, "n_keys": 4, "n_values": 4, "examples": 5000}
    trained = {
        line.split("|")[0]
        for seed in (0, 1)
        for document in task("associative-recall", {**small, "seed": seed}).documents()
        for line in document.text[1:].split("\n")
    }
    items = task("associative-recall", {**small, "seed": 2}).items(15)
    tested = {item.prompt.strip("\n").split("|")[0] for item in items}
    assert len(items) == 15
    assert not trained & tested
    assert len(trained) > 0.8 * 4 * 3 * 16


def test_items_ask_for_the_bound_value_and_stay_the_same() -> None:
    items = task("associative-recall", {}).items(50)
    assert items == task("associative-recall", {}).items(50)
    assert len(set(items)) == 50
    for item in items:
        bindings, key = item.prompt.removeprefix("\n").split("|")
        assert dict(pairs(bindings))[key] == item.answer
        assert item.key == "4"


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        ({"n_pairs": 17}, r"corpus\.settings\.n_pairs = 17: the task 'associative-recall' needs a value from 1 to 16"),
        ({"n_keys": 1000}, r"n_keys = 1000"),
        ({"n_values": 1}, r"n_values = 1"),
        ({"n_queries": 5}, r"n_queries = 5: .* from 1 to 4"),
        ({"examples": 0}, r"examples = 0"),
        ({"examples_per_document": 0}, r"examples_per_document = 0"),
        ({"held_out": 0.0}, r"held_out = 0\.0"),
        ({"seed": -1}, r"seed = -1"),
    ],
)
def test_settings_out_of_range_are_refused(settings: dict[str, object], sentence: str) -> None:
    with pytest.raises(BadInput, match=sentence):
        task("associative-recall", settings)


def test_a_task_with_too_few_examples_to_hold_some_out_says_so() -> None:
    tiny = task("associative-recall", {"n_pairs": 1, "n_keys": 1, "n_values": 2, "held_out": 0.001})
    with pytest.raises(BadInput, match="has too few examples to keep some for testing"):
        tiny.items(1)


def test_an_unknown_task_is_refused() -> None:
    with pytest.raises(BadInput, match="The task 'sorting' is unknown; one of addition, associative-recall is right"):
        task("sorting", {})
