"""Settings are compared with the table of the source they are for."""

import pytest

from workbench.corpus.sources import SOURCES, check
from workbench.corpus.tasks import TASKS
from workbench.errors import BadInput


def test_defaults_are_filled_in() -> None:
    settings = check("files", SOURCES["files"], {"path": "a.txt"})
    assert settings == {
        "path": "a.txt",
        "text_key": "text",
        "column": "text",
        "separator": None,
        "document_bytes": None,
    }


@pytest.mark.parametrize(
    ("source", "settings", "sentence"),
    [
        ("files", {}, r"corpus\.settings\.path is missing: the source 'files' needs the path of a file or a folder"),
        ("files", {"path": 3}, r"corpus\.settings\.path = 3: the source 'files' needs the path"),
        (
            "files",
            {"path": "a", "paht": "b"},
            r"corpus\.settings\.paht: the source 'files' has no such setting; it knows: p",
        ),
        ("files", {"path": "a", "document_bytes": True}, r"document_bytes = True: the source 'files' needs the length"),
        ("english-kjv", {"x": 1}, r"corpus\.settings\.x: .* has no such setting; it knows: none"),
        ("addition", {"reversed": "yes"}, r"reversed = 'yes': the source 'addition' needs true"),
    ],
)
def test_a_setting_that_is_unknown_missing_or_of_the_wrong_type_is_refused(
    source: str, settings: dict[str, object], sentence: str
) -> None:
    with pytest.raises(BadInput, match=sentence):
        check(source, SOURCES[source], settings)


def test_languages_check_their_own_settings() -> None:
    with pytest.raises(BadInput, match="markov"):
        next(iter(SOURCES["markov"].documents({"no-such-setting": 1})))


def test_every_source_of_text_documents_its_settings() -> None:
    for source in SOURCES.values():
        for setting in (source.settings or {}).values():
            assert len(setting.meaning) > 10


def test_every_task_is_a_source_with_the_same_settings() -> None:
    for name, (_, known) in TASKS.items():
        assert SOURCES[name].kind == "task"
        assert SOURCES[name].settings == known
