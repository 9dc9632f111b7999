"""Bad input of every kind, on the command line: one sentence on stderr, stdout empty, exit code 2, nothing lost."""

import json
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli.trained import store as store
from tests.runner.definitions import write_sweep
from workbench.cli.main import main
from workbench.store import Store


def refused(capsys: pytest.CaptureFixture[str], *args: object) -> str:
    """The one sentence with which a command refuses."""
    with pytest.raises(SystemExit) as left:
        main([str(arg) for arg in args])
    out, err = capsys.readouterr()
    assert (left.value.code, out) == (2, ""), err
    (sentence,) = [line for line in err.splitlines() if line.startswith("Bad input: ")]
    assert err.endswith(sentence + "\n") and "Traceback" not in err
    return sentence


@pytest.fixture(autouse=True)
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


def config(folder: Path, old: str = "", new: str = "") -> Path:
    """A config of one run, with a flaw."""
    write_sweep(folder)
    text = (
        f'[corpus]\nsource = "files"\nsettings = {{ path = "{folder / "texts"}" }}\ntokenizer = "bytes"\n'
        "validation_fraction = 0.2\ndeduplicate = false\n"
        "[model]\nn_layer = 1\nn_head = 1\nd_model = 8\ncontext = 16\n[train]\ntokens = 2000\nbatch_tokens = 64\n"
    )
    assert old in text
    path = folder / "one.toml"
    path.write_text(text.replace(old, new))
    return path


FLAWS = {
    "unknown key": (
        "d_model = 8",
        "d_model = 8\nwidth = 3",
        "one.toml: unknown key model.width = 3; ",
    ),
    "wrong type": ("d_model = 8", 'd_model = "wide"', "one.toml: model.d_model = 'wide': it should be a whole number"),
    "not TOML": ("[model]", "[model", "one.toml: not valid TOML"),
    "impossible shape": ("n_head = 1", "n_head = 3", "one.toml: model: d_model = 8 is not divisible by n_head = 3"),
    "short corpus": ("context = 16", "context = 9000", "split has .* tokens, fewer than one window of model.context"),
    "short horizon": ("tokens = 2000", "tokens = 20", "one.toml: train: a horizon of 20 tokens is less than one step"),
    "missing text": ('texts"', 'absent"', "corpus.settings.path = '.*absent': there is no such file or folder"),
    "no such source": ('"files"', '"file"', "one.toml: corpus: source = 'file' is unknown; one of"),
}


@pytest.mark.parametrize("flaw", FLAWS)
def test_a_flawed_config(flaw: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    import re

    old, new, sentence = FLAWS[flaw]
    path = config(tmp_path, old, new)
    if flaw == "short corpus":
        path.write_text(path.read_text().replace("batch_tokens = 64", "batch_tokens = 9000").replace("2000", "9000"))
    assert re.search(sentence, refused(capsys, "run", path, "--store", tmp_path / "store"))
    assert not Store(tmp_path / "store").runs().size


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", "the file is empty"),
        ("corpus = 3\n", "corpus: it should be a table"),
        ("model = 5\n[train]\ntokens = 3\n", "model = 5: it should be a table"),
        ("[train]\ntokens = 3\n", "the key model is missing"),
        ("[model", "not valid TOML"),
    ],
)
def test_a_config_that_is_none(text: str, sentence: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "one.toml").write_text(text)
    assert sentence in refused(capsys, "run", tmp_path / "one.toml", "--store", tmp_path / "store")


@pytest.mark.parametrize("command", [("run",), ("sweep", "plan"), ("sweep", "run"), ("corpus", "prepare")])
def test_a_missing_file(command: tuple[str, ...], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert "absent.toml: no such file" in refused(capsys, *command, tmp_path / "absent.toml")


def test_empty_and_corrupt_texts(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "empty.txt").touch()
    (tmp_path / "bad.parquet").write_text("rubbish")
    prepare = ("corpus", "prepare", "files", "--root", tmp_path / "corpora", "--set")
    assert "empty.txt is empty" in refused(capsys, *prepare, f"path={tmp_path / 'empty.txt'}")
    assert "not a parquet table" in refused(capsys, *prepare, f"path={tmp_path / 'bad.parquet'}")
    assert not list((tmp_path / "corpora").iterdir())


@pytest.mark.parametrize("device", ["tpu", "cuda:77", "mps"])
@pytest.mark.parametrize("command", [("run",), ("sweep", "run"), ("sweep", "plan")])
def test_a_device_that_is_not_here(
    command: tuple[str, ...], device: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = config(tmp_path) if command == ("run",) else write_sweep(tmp_path)
    sentence = refused(capsys, *command, path, "--device", device, "--store", tmp_path / "store")
    assert f"execution.device = '{device}'" in sentence


def test_a_probe_that_cannot_be_measured_is_refused_before_anything_trains(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = write_sweep(tmp_path)
    for name, reason in {"bleu": "There is no probe named 'bleu'", "task": "which has no task"}.items():
        text = path.read_text()
        path.write_text(text.replace('name = "tiny"', f'name = "tiny"\nprobes = ["{name}"]'))
        sentence = refused(capsys, "sweep", "run", path, "--store", tmp_path / "store")
        assert "tiny.toml: sweep.probes: " in sentence and reason in sentence
        path.write_text(text)
    assert not (tmp_path / "store").exists()


DEFINITIONS = {
    "misspelt in a size": (
        "d_model = 4",
        "d_modle = 4",
        "size small: unknown key model.d_modle = 4; did you mean d_model?",
    ),
    "misspelt table": ("[train]", "[trian]", "unknown key trian = .*; did you mean train?"),
    "negative level": ("[3e7, 6e7]", "[-3e7, 6e7]", r"design\.levels\[0\] = -30000000\.0: it should be greater than 0"),
    "rule of one's own": (
        "[train]",
        "[train]\nrate_rule = { constant = -1 }",
        "train.rate_rule.constant = -1: it should",
    ),
    "unquoted axis": ("[design]", '[axes]\nmodel.position = ["rope"]\n[design]', 'write "model.position" = ..rope'),
    "axis of one value": ("[design]", '[axes]\n"model.position" = "rope"\n[design]', "should be a list of the values"),
    "level that is a list": (
        "[design]",
        '[[replicates]]\nlevel = [3e7]\nsize = "small"\nseeds = [1]\n[design]',
        "replicates.0..level = .30000000.0.: it should be one number, not a list; write a ..replicates.. for each",
    ),
    "level that is true": ("[3e7, 6e7]", "[true, 6e7]", r"design\.levels\[0\] = True: it should be a number"),
    "level in quotes": ("[3e7, 6e7]", '["big", 6e7]', r"design\.levels\[0\] = 'big': it should be a number"),
    "name": (
        'name = "tiny"',
        'name = "../t"',
        r"sweep\.name = '\.\./t': it should be letters, digits, .* such as 'mine'",
    ),
    "device": (
        "[execution]",
        '[execution]\ndevice = "tpu"',
        "device = 'tpu': it should be auto, cpu, cuda, cuda:N or mps",
    ),
    "corpus of one text": (
        "deduplicate = false",
        "max_bytes = 10",
        r"max_bytes = 10: leaves . documents?, .*; give more",
    ),
    "no seeds": (
        "[design]",
        '[[replicates]]\nlevel = 3e7\nsize = "small"\nseeds = []\n[design]',
        r"replicates\[0\]\.seeds is empty; give at least one",
    ),
    "misspelt size": (
        "[design]",
        '[[replicates]]\nlevel = 3e7\nsize = "smal"\nseeds = [1]\n[design]',
        "replicates names the size 'smal'; did you mean small?",
    ),
}


@pytest.mark.parametrize("flaw", DEFINITIONS)
def test_a_flawed_definition_says_what_was_likely_meant(
    flaw: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    import re

    old, new, sentence = DEFINITIONS[flaw]
    path = write_sweep(tmp_path)
    path.write_text(path.read_text().replace(old, new))
    assert re.search(sentence, refused(capsys, "sweep", "plan", path, "--store", tmp_path / "store"))


def test_a_cache_that_cannot_be_written_is_named_with_its_variable(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file" / "cache"))
    assert "set XDG_CACHE_HOME to a folder you may write to" in refused(capsys, "sweep", "plan", write_sweep(tmp_path))


def test_an_axis_over_execution_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = write_sweep(tmp_path, '\n[axes]\n"execution.threads" = [1, 2]\n')
    assert "axes: execution.threads: how a run is executed" in refused(capsys, "sweep", "plan", path)


@pytest.fixture
def spoilt(store: Store, tmp_path: Path) -> Iterator[Path]:
    """A copy of a store with one trained run, to be spoilt."""
    yield Path(shutil.copytree(store.folder, tmp_path / "spoilt"))


@pytest.mark.parametrize("command", [("eval", "all", "perplexity"), ("generate", "r-", "--prompt", "1")])
@pytest.mark.parametrize(
    ("pattern", "content", "sentence"),
    [
        ("store.json", '{"schema_version": 9}', "schema_version = 9 is newer than this workbench reads"),
        ("runs/*.parquet", "x", "not a readable parquet file of runs"),
        ("checkpoints/*/*/model.safetensors", "x", "its SHA-256 is not"),
        ("checkpoints/*/*/state.json", "[]", "not a checkpoint's state"),
    ],
)
def test_a_spoilt_store(
    spoilt: Path,
    command: tuple[str, ...],
    pattern: str,
    content: str,
    sentence: str,
    store: Store,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(store.folder.parent / "cache"))
    (path,) = spoilt.glob(pattern)
    path.write_text(content)
    said = refused(capsys, *command, "--store", spoilt)
    assert sentence in said and path.name in said


def test_a_parquet_file_of_something_else_is_named(spoilt: Path, capsys: pytest.CaptureFixture[str]) -> None:
    import pandas as pd

    pd.DataFrame({"a": [1]}).to_parquet(spoilt / "runs" / "other.parquet")
    assert "other.parquet: no column 'run_id'" in refused(capsys, "eval", "all", "perplexity", "--store", spoilt)


@pytest.mark.parametrize("command", [("run",), ("sweep", "run")])
def test_a_store_that_cannot_be(command: tuple[str, ...], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = config(tmp_path) if command == ("run",) else write_sweep(tmp_path)
    assert "is a file; a store is a folder" in refused(capsys, *command, path, "--store", path)
    assert "cannot be written" in refused(capsys, *command, path, "--store", path / "below")
    assert "not empty and not a store" in refused(capsys, *command, path, "--store", tmp_path / "texts")


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 300 kB, where this machine lets us have one."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=300k", "tmpfs", folder], capture_output=True)
    if mounted.returncode:
        pytest.skip("mounting needs a right that is not given here")
    yield folder
    subprocess.run(["umount", folder], check=True)


def sweep(path: Path, store: Path) -> "subprocess.CompletedProcess[str]":
    args = ["sweep", "run", str(path), "--store", str(store), "--device", "cpu", "--workers", "1", "--json"]
    code = f"from workbench.cli.main import main\nif __name__ == '__main__':\n    main({args!r})"
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)


@pytest.mark.skipif(shutil.which("mount") is None, reason="no mount on this system")
def test_a_disk_that_is_really_full(tmp_path: Path, small_disk: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = write_sweep(tmp_path)
    filler = small_disk / "filler"
    filler.write_bytes(bytes(200_000))
    full = sweep(path, small_disk / "store")
    (sentence,) = [line for line in full.stderr.splitlines() if line.startswith("Bad input: ")]
    assert (full.returncode, full.stdout) == (2, "")
    assert "the disk is full; free some space and run the same command again" in sentence
    assert "Traceback" not in full.stderr
    kept = set(Store(small_disk / "store").runs()["run_id"])
    assert not list(small_disk.rglob(".*.tmp"))

    big = tmp_path / "big"
    big.mkdir()
    for i in range(4):
        (big / f"{i}.txt").write_text(" ".join(str(k * (i + 7)) for k in range(20_000)))
    args = ("corpus", "prepare", "files", "--set", f"path={big}", "--tokenizer", "bytes", "--root", small_disk / "c")
    assert "the disk is full" in refused(capsys, *args, "--set", "document_bytes=1000")

    filler.unlink()
    subprocess.run(["mount", "-o", "remount,size=4m", small_disk], check=True)
    after = sweep(path, small_disk / "store")
    assert after.returncode == 0, after.stderr
    assert json.loads(after.stdout)["done"] == 4
    assert kept <= set(Store(small_disk / "store").runs()["run_id"])


def test_a_single_run_that_diverges_leaves_with_1_and_its_reason(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = config(tmp_path, "batch_tokens = 64", "batch_tokens = 64\nlearning_rate = 1e9\nclip = 0.0\nbeta2 = 0.0")
    with pytest.raises(SystemExit) as left:
        main(["run", str(path), "--store", str(tmp_path / "store"), "--json"])
    out, err = capsys.readouterr()
    assert left.value.code == 1 and json.loads(out)["status"] == "diverged"
    assert "Failed: r-" in err and "the loss is not finite at step" in err


ROWS = "1e6,2e7,4\n2e6,2e7,3.9\n"
TABLES = {
    "negative.csv": (f"n,d,loss\n{ROWS}1e6,2e7,-1\n", "negative.csv, column loss, row 3: -1; a loss must be positive"),
    "zero.csv": (f"n,d,loss\n{ROWS}1e6,0,3\n", "zero.csv, column d, row 3: 0; a number of tokens must be positive"),
    "text.csv": (f"n,d,loss\n{ROWS}70M,2e7,3\n", "text.csv, column n, row 3: '70M' is not a number; write 70000000."),
    "twice.csv": ("n,d,loss,loss\n1,2,3,4\n", "twice.csv has the column 'loss' twice"),
    "semicolons.csv": ("n;d;loss\n1;2;3\n", "semicolons.csv is separated by ';' where a .csv file has ','"),
    "two.csv": ("n,d,loss,val_loss\n1,2,3,4\n", "two.csv has loss and val_loss, each of which could be the loss"),
    "perplexity.csv": ("n,d,ppl\n1e6,2e7,30\n", "perplexity.csv: the column ppl is a perplexity"),
    "shares.csv": ("n,d,loss,share_a,share_b\n1,2,3,0.5,0.4\n", "shares.csv, row 1: the shares share_a, share_b sum"),
    "error.csv": ("n,d,error\n1,2,1.5\n", "error.csv, column error, row 1: 1.5; an error rate must lie between"),
    "crashed.csv": ("Name,State,n,d,loss\na,crashed,1,2,3\n", "crashed.csv holds no finished run: State says 1"),
    "lines.jsonl": ('{"n": 1e6}\nn=2e6\n', "lines.jsonl, row 2 is not JSON"),
    "sheet.xlsx": ("PK", "sheet.xlsx ends in '.xlsx'; a table must be .csv"),
}  # fmt: skip


@pytest.mark.parametrize("command", ["fit", "forecast", "report"])
@pytest.mark.parametrize("name", TABLES)
def test_a_table_of_nonsense(name: str, command: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    content, sentence = TABLES[name]
    (tmp_path / name).write_text(content)
    out = ("--out", tmp_path / "report") if command == "report" else ()
    assert sentence in refused(capsys, command, tmp_path / name, *out)
    assert not (tmp_path / "report").exists()


def test_a_filter_over_a_column_that_is_not_there(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "runs.csv").write_text(f"n,d,loss\n{ROWS}")
    sentence = refused(capsys, "fit", tmp_path / "runs.csv", "--where", "lss > 3")
    assert "names the column lss; did you mean loss? The columns of " in sentence
    sentence = refused(capsys, "fit", tmp_path / "runs.csv", "--where", "size > 3")
    assert sentence.endswith("names the column size; the columns of " + str(tmp_path / "runs.csv") + " are n, d, loss.")


def test_a_text_without_quotes_in_a_filter(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "runs.csv").write_text("n,d,loss,sweep\n1e6,2e7,4,smoke\n2e6,2e7,3.9,smoke\n")
    sentence = refused(capsys, "fit", tmp_path / "runs.csv", "--where", "loss > 1 AND sweep = smoke")
    assert sentence.endswith("which names the column smoke; a text stands in quotes: sweep = 'smoke'.")


def test_a_folder_that_is_neither_a_store_nor_an_export(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert "is not a store (it has no store.json) and holds no runs of W&B" in refused(capsys, "fit", tmp_path)
    (tmp_path / "offline-run-20261101_101010-abc").mkdir()
    (tmp_path / "offline-run-20261101_101010-abc" / "run-abc.wandb").touch()
    assert "none with a wandb-summary.json" in refused(capsys, "fit", tmp_path)
