"""A link names what a widget offers, in its words or by its own name, and opens on that."""

from pathlib import Path
from typing import Any

import pytest

from tests.app.conftest import Opener
from tests.app.test_pages import figures

# Page → widget, its value in an address, and what that chooses.
LINKS = [
    ("laws", "law", "kaplan-nd", "kaplan-nd"),
    ("laws", "convention", "non-embedding parameters", "n_non_embedding"),
    ("laws", "convention", "n_non_embedding", "n_non_embedding"),
    ("runs", "runs_x", "seconds", "seconds"),
    ("runs", "runs_x", "no such axis", "flops"),
    ("curves", "curve_y", "learning_rate", "learning_rate"),
    ("next", "target", "n-opt", "n-opt"),
    ("what_if", "unit", "hours", "hours"),
    ("emergence", "task_beside", "token_accuracy", "token_accuracy"),
]


@pytest.mark.parametrize(("name", "key", "asked", "chosen"), LINKS)
def test_a_link_chooses_in_words_or_by_name(
    open_page: Opener, simulated: Path, name: str, key: str, asked: str, chosen: Any
):
    page = open_page(simulated, name, **{key: asked})
    assert not page.exception
    assert page.selectbox(key=key).value == chosen
    assert figures(page)


def test_a_link_names_several_keys_to_group_by(open_page: Opener, simulated: Path):
    page = open_page(simulated, "curves", group=["budget", "role"])
    assert page.multiselect(key="group").value == ["budget", "role"]
