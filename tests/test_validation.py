"""A bad file is refused in one sentence that names the file, the key and the value."""

import math
from pathlib import Path
from typing import Annotated, Literal

import pytest
from pydantic import BaseModel, ConfigDict, Field

from workbench.errors import BadInput
from workbench.validation import read_toml, validated


class Inner(BaseModel):
    model_config = ConfigDict(extra="forbid")
    width: int = 1


class Rule(BaseModel):
    model_config = ConfigDict(extra="forbid")
    width: float = Field(gt=0)


class Outer(BaseModel):
    model_config = ConfigDict(extra="forbid")
    inner: Inner = Inner()
    name: str
    rule: Literal["ours", "theirs"] | Rule = "ours"
    levels: tuple[Annotated[float, Field(gt=0)] | Rule, ...] = ()
    many: tuple[Rule, ...] = ()
    some: tuple[int, ...] = Field(default=(1,), min_length=1)


@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        (
            {"name": "a", "inner": {"widht": 2}},
            "f.toml: unknown key inner.widht = 2; did you mean width? The keys here are width",
        ),
        (
            {"name": "a", "colour": 1},
            "f.toml: unknown key colour = 1; the keys here are inner, name, rule, levels, many, some",
        ),
        ({}, "f.toml: the key name is missing"),
        (
            {"nmae": "a"},
            "f.toml: unknown key nmae = 'a'; did you mean name? The keys here are inner, name, rule, levels, many, ",
        ),
        ({"name": 3}, "f.toml: name = 3: it should be text, in quotes"),
        ({"name": "a", "inner": {"width": "x" * 99}}, "f.toml: inner.width = 'xxx"),
        ({"name": ["a"]}, "f.toml: name = ['a']: it should be one text, not a list"),
        ({"name": "a", "rule": {"width": -1}}, "f.toml: rule.width = -1: it should be greater than 0"),
        ({"name": "a", "rule": "wide"}, "f.toml: rule = 'wide': it should be 'ours' or 'theirs'"),
        ({"name": "a", "rule": {"widht": 1}}, "f.toml: unknown key rule.widht = 1; did you mean width? The keys here"),
        ({"name": "a", "levels": [1, -2]}, "f.toml: levels[1] = -2: it should be greater than 0"),
        ({"name": "a", "levels": [{"width": -2}]}, "f.toml: levels[0].width = -2: it should be greater than 0"),
        ({"name": "a", "levels": ["big"]}, "f.toml: levels[0] = 'big': it should be a number"),
        ({"name": "a", "levels": [math.nan]}, "f.toml: levels[0] = nan: it should be"),
        ({"name": "a", "inner": {"width": 1.5}}, "f.toml: inner.width = 1.5: it should be a whole number"),
        ({"name": "a", "some": []}, "f.toml: some is empty; give at least one"),
        ({"name": "a", "many": [{"width": [1]}]}, "f.toml: many[0].width = [1]: it should be one number, not a list; "),
    ],
)
def test_the_first_complaint_is_one_sentence(data: dict[str, object], sentence: str) -> None:
    with pytest.raises(BadInput) as refusal:
        validated(Outer, data, "f.toml")
    assert str(refusal.value).startswith(sentence)
    assert len(str(refusal.value)) < 200


def test_a_folder_and_binary_rubbish_are_not_toml(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="cannot be read as text"):
        read_toml(tmp_path)
    (tmp_path / "x.toml").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(BadInput, match="cannot be read as text"):
        read_toml(tmp_path / "x.toml")


def test_a_file_may_begin_with_a_mark_of_its_encoding(tmp_path: Path) -> None:
    (tmp_path / "x.toml").write_text("a = 1\n", encoding="utf-8-sig")
    assert read_toml(tmp_path / "x.toml") == {"a": 1}
