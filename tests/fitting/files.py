"""Files of runs, written and read."""

from pathlib import Path

import pytest

from workbench.errors import BadInput
from workbench.fitting import read_table


def written(path: Path, text: str) -> Path:
    """The file, with this text."""
    path.write_text(text)
    return path


def refusal(path: Path, text: str) -> str:
    """The sentence with which a file is refused, without its folder."""
    with pytest.raises(BadInput) as caught:
        read_table(written(path, text))
    return str(caught.value).replace(f"{path.parent}/", "")
