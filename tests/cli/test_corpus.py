"""The command is compared with the library it calls, and its exit codes with those documented."""

import json
from pathlib import Path

import pytest

from workbench.cli.main import main
from workbench.corpus.shards import Corpus

MARKOV = ["markov", "--tokenizer", "bytes", "--set", "symbols=20000", "--set", "document_symbols=1000"]


def run(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    """Exit code, stdout and stderr of a command."""
    with pytest.raises(SystemExit) as exit_:
        main(["corpus", *arguments])
    output = capsys.readouterr()
    return int(exit_.value.code or 0), output.out, output.err


def test_prepare_prints_the_manifest_as_json_alone(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    code, out, err = run(capsys, "prepare", *MARKOV, "--root", str(tmp_path), "--json")
    printed = json.loads(out)
    corpus = Corpus.open(printed.pop("folder"))
    assert code == 0
    assert printed == corpus.manifest
    assert corpus.config.settings == {"symbols": 20_000, "document_symbols": 1000}
    assert "corpus: reading markov" in err


def test_show_prints_statistics_and_a_sample(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    code, out, _ = run(capsys, "show", *MARKOV, "--root", str(tmp_path))
    assert code == 0
    corpus = Corpus.open(next(tmp_path.iterdir()))
    assert f"{corpus.unigram_entropy:.4f} nats per token" in out
    assert corpus.tokenizer.decode(corpus.train[:200].tolist()) in out
    assert "  document_symbols = 1000" in out


@pytest.mark.parametrize("table", ["[corpus]\n", ""])
def test_a_definition_names_a_corpus_by_its_table_or_by_plain_keys(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, table: str
) -> None:
    path = tmp_path / "mine.toml"
    path.write_text(f'{table}source = "addition"\ntokenizer = "bytes"\nsettings = {{problems = 2000, digits = 2}}\n')
    code, out, _ = run(capsys, "prepare", str(path), "--vocab-size", "300", "--tokenizer", "bpe", "--root",
                       str(tmp_path), "--json", "--set", "problems_per_document=20")  # fmt: skip
    config = json.loads(out)["config"]
    assert code == 0
    assert (config["source"], config["tokenizer"], config["vocab_size"]) == ("addition", "bpe", 300)
    assert config["settings"] == {"problems": 2000, "digits": 2, "problems_per_document": 20}


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["no-such-source"], "source = 'no-such-source' is unknown"),
        (["none.toml"], "none.toml: no such file"),
        (["files", "--set", "path"], "--set path: KEY=VALUE is right"),
        (["files", "--set", "path=/no/such/folder"], "there is no such file or folder"),
        (["files"], "corpus.settings.path is missing"),
        (["python", "--vocab-size", "100"], "byte-level BPE needs at least 257"),
        (["markov", "--set", "no-such=1"], "no-such"),
    ],
)
def test_bad_input_is_one_sentence_and_exit_code_2(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, arguments: list[str], sentence: str
) -> None:
    code, out, err = run(capsys, "prepare", *arguments, "--root", str(tmp_path))
    assert (code, out) == (2, "")
    assert sentence in err


def test_a_broken_definition_names_the_file(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    path = tmp_path / "broken.toml"
    for content, sentence in (
        ("source = ", "broken.toml: not valid TOML"),
        ("corpus = 3", "broken.toml: corpus = 3: it should be a table [corpus]"),
        ("[corpus]\nsauce = 1", "broken.toml: corpus: unknown key sauce = 1"),
    ):
        path.write_text(content)
        code, _, err = run(capsys, "show", str(path))
        assert code == 2
        assert sentence in err
