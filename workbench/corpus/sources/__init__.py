"""The sources of text, in one table: a new one is one function and one entry here."""

from collections.abc import Iterator

from workbench.corpus.documents import Document
from workbench.corpus.sources import python
from workbench.corpus.sources.base import REQUIRED, Setting, Settings, Source, check

__all__ = ["REQUIRED", "SOURCES", "Document", "Setting", "Settings", "Source", "check"]


def _language(name: str) -> Source:
    """A synthetic language of `workbench.corpus.languages`, imported when it is used."""

    def documents(settings: Settings) -> Iterator[Document]:
        from workbench.corpus.languages import language

        yield from language(name, dict(settings)).documents()

    return Source(documents, settings=None, kind="language")


SOURCES: dict[str, Source] = {
    "python": Source(
        python.documents,
        settings={"part": Setting(str, "both", "one of 'both', 'stdlib' and 'torch'")},
        identity=python.identity,
    ),
    "markov": _language("markov"),
    "unifilar-hmm": _language("unifilar-hmm"),
    "hmm": _language("hmm"),
    "grammar": _language("grammar"),
}
"""Source names → what they are. `mix` is not among them: it is made of them."""
