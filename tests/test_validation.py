"""A bad file is refused in one sentence that names the file, the key and the value."""

from pathlib import Path

import pytest
from pydantic import BaseModel, ConfigDict

from workbench.errors import BadInput
from workbench.validation import read_toml, validated


class Inner(BaseModel):
    model_config = ConfigDict(extra="forbid")
    width: int = 1


class Outer(BaseModel):
    model_config = ConfigDict(extra="forbid")
    inner: Inner = Inner()
    name: str


@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        ({"name": "a", "inner": {"widht": 2}}, "f.toml: unknown key inner.widht = 2; the keys here are width"),
        ({"name": "a", "colour": 1}, "f.toml: unknown key colour = 1; the keys here are inner, name"),
        ({}, "f.toml: the key name is missing"),
        ({"nmae": "a"}, "f.toml: unknown key nmae = 'a'; the keys here are inner, name"),
        ({"name": 3}, "f.toml: name = 3: it should be a valid string"),
        ({"name": "a", "inner": {"width": "x" * 99}}, "f.toml: inner.width = 'xxx"),
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
