"""Addition is compared with Python's own."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from workbench.corpus.tasks import task
from workbench.corpus.tasks.addition import Addition, bounds
from workbench.errors import BadInput


def problems(**given: object) -> list[str]:
    text = "".join(document.text for document in task("addition", given).documents())
    assert text.startswith("\n")
    return text[1:].split("\n")


def read(line: str, reverse: bool = False) -> tuple[int, int, int]:
    """a, b and the sum of a line."""
    left, total = line.split("=")
    a, b = left.split("+")
    return int(a), int(b), int(total[::-1] if reverse else total)


@settings(max_examples=25)
@given(st.integers(1, 18), st.booleans(), st.booleans(), st.integers(0, 5))
def test_every_sum_is_right(digits: int, reverse: bool, padded: bool, seed: int) -> None:
    for line in problems(digits=digits, reversed=reverse, zero_padding=padded, problems=40, seed=seed):
        a, b, total = read(line, reverse)
        assert a + b == total
        if padded:
            assert len(line) == 3 * digits + 3


def test_the_forms_are_as_documented() -> None:
    plain = task("addition", {"digits": 2})
    assert isinstance(plain, Addition)
    assert plain.line(2, 12, 34) == "\n12+34=46"
    fancy = task("addition", {"digits": 3, "reversed": True, "zero_padding": True})
    assert isinstance(fancy, Addition)
    assert fancy.line(2, 12, 34) == "\n012+034=6400"


def test_no_test_item_is_in_the_training_text_whatever_the_seed() -> None:
    trained = {line for seed in (0, 1) for line in problems(digits=2, problems=20_000, seed=seed)}
    items = task("addition", {"digits": 2, "seed": 2}).items(300)
    tested = [(item.prompt + item.answer).strip("\n") for item in items]
    assert len(set(tested)) == len(tested)
    assert not trained & set(tested)
    assert len(trained) > 0.9 * 0.9 * 8100


def test_items_are_spread_over_the_digits_and_stay_the_same() -> None:
    items = task("addition", {"digits": 4, "min_digits": 3}).items(101)
    assert [item.key for item in items].count("3") == 51
    assert [item.key for item in items].count("4") == 50
    assert items == task("addition", {"digits": 4, "min_digits": 3}).items(101)
    for item in items:
        a, b, total = read((item.prompt + item.answer).strip("\n"))
        assert a + b == total
        assert bounds(int(item.key))[0] <= min(a, b)
        assert max(a, b) < bounds(int(item.key))[1]
        assert item.prompt.startswith("\n")
        assert item.prompt.endswith("=")
        assert item.answer.endswith("\n")


def test_one_digit_has_as_many_items_as_there_are() -> None:
    items = task("addition", {"digits": 1}).items(1000)
    assert 3 <= len(items) <= 20


def test_the_number_of_problems_is_the_number_asked_for() -> None:
    documents = list(task("addition", {"problems": 1000, "problems_per_document": 300}).documents())
    assert [document.text.count("\n") for document in documents] == [300, 300, 300, 100]


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        ({"digits": 0}, r"corpus\.settings\.digits = 0: the task 'addition' needs a value from 1 to 18"),
        ({"digits": 2, "min_digits": 3}, r"min_digits = 3: .* from 1 to 2"),
        ({"problems": 0}, r"problems = 0"),
        ({"problems_per_document": 0}, r"problems_per_document = 0"),
        ({"held_out": 1.5}, r"held_out = 1\.5"),
        ({"seed": -1}, r"seed = -1"),
        ({"digit": 2}, r"corpus\.settings\.digit: the source 'addition' has no such setting"),
    ],
)
def test_settings_out_of_range_are_refused(settings: dict[str, object], sentence: str) -> None:
    with pytest.raises(BadInput, match=sentence):
        task("addition", settings)
