"""The sources of text, in one table: a new one is one function and one entry here."""

from collections.abc import Iterator, Mapping

from workbench.corpus.documents import Document
from workbench.corpus.sources import english, files, hub, python
from workbench.corpus.sources.base import REQUIRED, Setting, Settings, Source, check
from workbench.corpus.tasks.addition import SETTINGS as ADDITION
from workbench.corpus.tasks.recall import SETTINGS as RECALL

__all__ = ["REQUIRED", "SOURCES", "Document", "Setting", "Settings", "Source", "check"]


def _language(name: str) -> Source:
    """A synthetic language of `workbench.corpus.languages`, imported when it is used."""

    def documents(settings: Settings) -> Iterator[Document]:
        from workbench.corpus.languages import language

        yield from language(name, dict(settings)).documents()

    return Source(documents, settings=None, kind="language")


def _task(name: str, known: Mapping[str, Setting]) -> Source:
    """A task of `workbench.corpus.tasks`, whose table is imported when it is used: it imports this package."""

    def documents(settings: Settings) -> Iterator[Document]:
        from workbench.corpus.tasks import TASKS

        yield from TASKS[name][0](settings).documents()

    return Source(documents, settings=known, kind="task")


SOURCES: dict[str, Source] = {
    "python": Source(
        python.documents,
        settings={"part": Setting(str, "both", "one of 'both', 'stdlib' and 'torch'")},
        identity=python.identity,
    ),
    "english-kjv": Source(english.bible, identity=english.bible_version),
    "english-shakespeare": Source(english.shakespeare, identity=english.shakespeare_version),
    "files": Source(
        files.documents,
        settings={
            "path": Setting(str, REQUIRED, "the path of a file or a folder"),
            "text_key": Setting(str, "text", "the key of the text in each line of jsonl"),
            "column": Setting(str, "text", "the column of the text in parquet"),
            "separator": Setting(str, None, "the string at which a text is cut into documents"),
            "document_bytes": Setting(int, None, "the length, in characters, at which a text is cut at a line's end"),
        },
        identity=files.identity,
    ),
    "huggingface": Source(
        hub.documents,
        settings={
            "path": Setting(str, REQUIRED, "a data set's name on the hub, or 'text', 'json' or 'parquet'"),
            "name": Setting(str, None, "the name of one of its configurations"),
            "data_files": Setting((str, list, dict), None, "a path, a list of paths or a table of splits"),
            "split": Setting(str, "train", "the name of a split"),
            "revision": Setting(str, None, "a commit of the data set, so that it stays what it is"),
            "streaming": Setting(bool, True, "true to read as it arrives, or false"),
            "sample_by": Setting(str, "document", "'document', 'paragraph' or 'line', how 'text' files are cut"),
            "column": Setting(str, "text", "the column of the text"),
            "rows": Setting(int, None, "a number of rows to stop after"),
        },
        identity=hub.identity,
    ),
    "markov": _language("markov"),
    "unifilar-hmm": _language("unifilar-hmm"),
    "hmm": _language("hmm"),
    "grammar": _language("grammar"),
    "addition": _task("addition", ADDITION),
    "associative-recall": _task("associative-recall", RECALL),
}
"""Source names → what they are. `mix` is not among them: it is made of them."""
