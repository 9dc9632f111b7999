"""docs/sweeps.md says what the code says."""

from pathlib import Path

import pytest
from pydantic import BaseModel

from workbench.runner.documentation import TABLES, documentation

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "sweeps.md").read_text()


def test_the_page_ends_with_every_field() -> None:
    assert PAGE[PAGE.index("## Every field") :] == documentation()


@pytest.mark.parametrize("config", TABLES.values())
def test_every_field_says_what_it_means(config: type[BaseModel]) -> None:
    assert [name for name, field in config.model_fields.items() if not field.description] == []


def test_the_example_is_the_smoke_sweep() -> None:
    assert (ROOT / "sweeps" / "smoke.toml").read_text() in PAGE
