"""docs/laws.md says what the code says."""

from pathlib import Path

from workbench.fitting.laws import LAWS
from workbench.fitting.laws.documentation import documentation, entry, listing

PAGE = (Path(__file__).parents[3] / "docs" / "laws.md").read_text()


def test_the_page_ends_with_every_law_and_parameter():
    assert PAGE[PAGE.index("## Every law") :] == documentation()


def test_the_page_shows_the_list_as_printed():
    assert f"$ workbench laws\n{listing()}\n```" in PAGE


def test_every_law_is_named_by_its_own_name_and_says_where_it_comes_from():
    for name, law in LAWS.items():
        found = entry(law)
        assert found["name"] == name
        assert found["source"] and found["latex"]
