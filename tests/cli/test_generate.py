"""`workbench generate` against the library's own decoding."""

import json

import pytest
import torch

from tests.cli.trained import store as store
from workbench.cli.main import main
from workbench.generation import generate
from workbench.runner.trained import load_trained
from workbench.store import Store


def run(capsys: pytest.CaptureFixture[str], *args: object) -> tuple[int, str, str]:
    with pytest.raises(SystemExit) as exit_:
        main(["generate", *map(str, args)])
    out, err = capsys.readouterr()
    assert isinstance(exit_.value.code, int)
    return exit_.value.code, out, err


def test_greedy_text_is_the_librarys(store: Store, capsys: pytest.CaptureFixture[str]):
    run_id = store.runs()["run_id"][0]
    code, out, err = run(
        capsys, run_id, "--prompt", "\n12+34=", "--tokens", 12, "--temperature", 0, "--store", store.folder, "--json"
    )
    payload = json.loads(out)
    model, _, corpus = load_trained(store, run_id)
    expected = generate(model, torch.tensor([corpus.tokenizer.encode("\n12+34=")]), 12)[0].tolist()
    assert (code, err) == (0, "")
    assert payload["tokens"] == expected
    assert payload["text"] == corpus.tokenizer.decode(expected)
    assert payload["run_id"] == run_id


def test_text_is_the_prompt_and_what_follows(store: Store, capsys: pytest.CaptureFixture[str]):
    args = ("r-", "--prompt", "12+", "--tokens", 5, "--seed", 3, "--top-k", 4, "--top-p", 0.9, "--store", store.folder)
    code, out, _ = run(capsys, *args)
    assert code == 0
    assert out.startswith("12+") and len(out) == len("12+") + 5 + len("\n")
    assert run(capsys, *args)[1] == out


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (["--prompt", ""], "The prompt has no tokens"),
        (["--prompt", "x"], "The character 'x' is not among the corpus's symbols"),
        (["--prompt", "1", "--temperature", "-1"], "temperature = -1.0: it should be greater than or equal to 0"),
        (["--prompt", "1", "--top-p", "2"], "top_p = 2.0: it should be less than or equal to 1"),
        (["--prompt", "1", "--top-k", "0"], "top_k = 0: it should be greater than or equal to 1"),
        (["--prompt", "1", "--tokens", "0"], "0 is not in the range x>=1"),
        ([], "Missing option '--prompt'"),
    ],
)
def test_bad_input_is_a_sentence_and_exit_2(
    store: Store, capsys: pytest.CaptureFixture[str], options: list[str], sentence: str
):
    code, out, err = run(capsys, "r-", *options, "--store", store.folder)
    assert (code, out) == (2, "")
    assert sentence in err


def test_an_unknown_run_is_bad_input(store: Store, capsys: pytest.CaptureFixture[str]):
    code, _, err = run(capsys, "r-none", "--prompt", "1", "--store", store.folder)
    assert code == 2 and "no run with an id that begins with 'r-none'" in err
