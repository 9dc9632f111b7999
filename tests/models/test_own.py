"""References: our own decoder's closed form, hand counts, and modules that each break one rule."""

from importlib.metadata import EntryPoint, EntryPoints
from pathlib import Path

import pytest
import torch

from workbench.errors import BadInput
from workbench.models import own
from workbench.models.config import ModelConfig
from workbench.models.counts import count
from workbench.models.own import import_models, pinned, registered
from workbench.models.own_counts import own_warnings
from workbench.models.own_model import build_own, examine

MODELS = str(Path(__file__).parent / "own_models.py")
VOCABULARY, CONTEXT = 17, 8


@pytest.fixture(autouse=True)
def own_models() -> None:
    import_models([MODELS])


def config(architecture: str, **fields) -> ModelConfig:
    return pinned(ModelConfig(architecture=architecture, vocab_size=VOCABULARY, context=CONTEXT, **fields))


@pytest.mark.parametrize(
    "fields", [{}, {"tie_embeddings": False, "activation": "swiglu"}, {"position": "learned", "n_kv_head": 1}], ids=str
)
def test_a_wrapped_decoder_counts_as_the_closed_form_says(fields) -> None:
    shape = {"n_layer": 2, "n_head": 2, "d_model": 16, **fields}
    ours = count(ModelConfig(vocab_size=VOCABULARY, context=CONTEXT, **shape))
    theirs = count(config("wrapped", **shape))
    for name in ("n_params", "n_params_non_embedding", "flops_per_token_forward", "flops_per_token_training"):
        assert getattr(theirs, name) == getattr(ours, name), name


def test_a_tied_head_is_one_table() -> None:
    counts = count(config("tied", d_model=4))
    assert (counts.n_params, counts.n_params_non_embedding) == (VOCABULARY * 4, 0)
    assert counts.flops_per_token_forward == 2 * 4 * VOCABULARY


def test_a_layer_as_wide_as_the_vocabulary_is_no_head() -> None:
    counts = count(config("tied-over-wide", d_model=4))
    assert counts.n_params_non_embedding == 2 * VOCABULARY * 4 + VOCABULARY + 4


def test_the_products_of_an_lstm_are_counted() -> None:
    h = 8
    counts = count(config("lstm", settings={"hidden": h}))
    assert counts.flops_per_token_forward == 2 * 4 * h * (h + h) + 2 * h * VOCABULARY
    assert counts.n_params_non_embedding == 4 * h * (h + h) + 2 * 4 * h + VOCABULARY  # the head's bias stays
    assert own_warnings(config("lstm")) == ()


def test_what_the_counter_does_not_know_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    """On the CPU torch runs an LSTM as one kernel, whose products its counter does not see."""
    from workbench.models import own_counts

    model = build_own(config("lstm"), seed=0)
    counted = own_counts._counted(model, config("lstm"))
    assert counted.uncounted == ("aten.mkldnn_rnn_layer",)
    assert counted.warnings == ("its FLOPs leave out aten.mkldnn_rnn_layer, which torch's counter does not know",)


def test_a_seed_is_one_model_and_the_global_random_state_is_left_alone() -> None:
    before = torch.random.get_rng_state()
    one, same, other = (build_own(config("bag"), seed=seed) for seed in (3, 3, 4))
    assert torch.equal(before, torch.random.get_rng_state())
    weights = [torch.cat([p.flatten() for p in model.parameters()]) for model in (one, same, other)]
    assert torch.equal(weights[0], weights[1])
    assert not torch.equal(weights[0], weights[2])


def test_settings_are_written_out_in_full() -> None:
    assert config("bag").settings == {"hidden": 8}
    assert config("bag", settings={"hidden": 8}) == config("bag")


@pytest.mark.parametrize(
    ("architecture", "sentence"),
    [
        ("refusing", "its factory raises RuntimeError: no such shape"),
        ("nothing", "its factory gives a NoneType; it must give a torch.nn.Module"),
        ("one-number", r"logits of the shape \(2, 17\); they must be .* = \(2, 8, 17\)"),
        ("not-finite", "logits of a freshly built model are not all finite"),
        ("backwards", "in evaluation mode the logits of a token change with the tokens after it"),
        ("no-shape", "its parameter .*weight has no shape yet"),
        ("shared-memory", "share their memory without being one parameter"),
        ("extra-state", "_extra_state is no tensor"),
        ("not-finite-in-training", "in training mode, .* not all finite"),
        ("over-positions", "in training mode the logits of a token change with the tokens after it"),
    ],
)
def test_a_module_that_is_no_causal_language_model_is_refused(architecture: str, sentence: str) -> None:
    with pytest.raises(BadInput, match=sentence):
        build_own(config(architecture), seed=0)


def test_windows_that_influence_each_other_are_warned_of() -> None:
    (warning,) = examine(config("over-windows")).warnings
    assert "the windows of a batch influence each other" in warning
    assert examine(config("counting")).warnings == ()  # dropout is not a leak


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({"architecture": "unheard-of"}, "'unheard-of': no model of this name is registered .*--import"),
        ({"architecture": "bag", "settings": {"hiden": 4}}, "unknown key hiden = 4; did you mean hidden"),
        ({"architecture": "wrapped", "settings": {"hidden": 4}}, "was registered without settings"),
        ({"architecture": "bag", "fingerprint": "0" * 16}, "has changed since"),
    ],
)
def test_what_does_not_fit_the_registration_is_refused(fields, sentence: str) -> None:
    with pytest.raises(BadInput, match=sentence):
        pinned(ModelConfig(vocab_size=VOCABULARY, context=CONTEXT, **fields))


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({"n_layer": 1, "n_head": 1, "d_model": 4, "settings": {"a": 1}}, "settings belongs to a registered model"),
        ({"architecture": "bag", "parameterisation": "mup", "base_width": 4}, "is known for the decoder alone"),
        ({"architecture": "bag", "d_model": 0}, "d_model = 0 is not a size"),
        ({}, "n_layer"),
    ],
)
def test_what_no_config_can_say_is_refused(fields, sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence):
        ModelConfig(vocab_size=VOCABULARY, **fields)


def write_package(folder: Path, name: str, helper: str = "WIDTH = 4") -> None:
    package = folder / name
    package.mkdir()
    (package / "__init__.py").write_text("")
    (package / "shapes.py").write_text(helper)
    (package / "unused.py").write_text("")
    (package / "models.py").write_text(
        "from torch import nn\nfrom .shapes import WIDTH\n"
        "def make(config):\n"
        "    return nn.Sequential(nn.Embedding(config.vocab_size, WIDTH), nn.Linear(WIDTH, config.vocab_size))\n"
    )


def test_an_entry_point_is_found_by_its_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_package(tmp_path, "own_package_a")
    monkeypatch.syspath_prepend(str(tmp_path))
    entry = EntryPoint("from-entry-point", "own_package_a.models:make", own.GROUP)
    monkeypatch.setattr(own, "entry_points", lambda **asked: EntryPoints([entry]).select(**asked))
    model = build_own(config("from-entry-point"), seed=0)
    assert sum(p.numel() for p in model.parameters()) == 2 * 4 * VOCABULARY + VOCABULARY


def test_the_fingerprint_is_of_the_source_and_of_what_it_imports_beside_it(tmp_path: Path, monkeypatch) -> None:
    prints = []
    for number, helper in enumerate(("WIDTH = 4", "WIDTH = 4", "WIDTH = 5")):
        folder = tmp_path / str(number)
        folder.mkdir()
        write_package(folder, "own_package_b", helper)
        (folder / "own_package_b" / "unused.py").write_text(f"NUMBER = {number}")
        home = folder / "own_package_b" / "models.py"
        prints.append(own.source_files([home]))
    assert [name for name, _ in prints[0]] == [
        "own_package_b/__init__.py", "own_package_b/models.py", "own_package_b/shapes.py",
    ]  # fmt: skip
    assert prints[0] == prints[1] != prints[2]
    assert len(registered("bag").fingerprint) == 16


MAKE = (
    "from torch import nn\n"
    "def make(config, hidden={hidden}):\n"
    "    return nn.Sequential(nn.Embedding(config.vocab_size, hidden), nn.Linear(hidden, config.vocab_size))\n"
)
REGISTER = "from workbench.models.own import register\n"


def write_files(folder: Path, **texts: str) -> Path:
    folder.mkdir(exist_ok=True)
    for name, text in texts.items():
        (folder / f"{name}.py").write_text(text)
    return folder


def test_the_file_that_is_named_is_imported_and_no_other_of_its_name(tmp_path: Path, monkeypatch) -> None:
    asked = write_files(tmp_path / "asked", same_c=f"{MAKE.format(hidden=3)}{REGISTER}register('same-c', make)")
    found_first = write_files(tmp_path / "first", same_c=f"{MAKE.format(hidden=5)}{REGISTER}register('same-c', make)")
    monkeypatch.syspath_prepend(str(found_first))
    import_models([str(asked / "same_c.py")])
    assert count(config("same-c")).n_params == 2 * 3 * VOCABULARY + VOCABULARY


def test_what_is_written_where_a_factory_is_registered_is_in_the_fingerprint(tmp_path: Path) -> None:
    folder = write_files(tmp_path, make_d=MAKE.format(hidden=4))
    for hidden in (3, 5):
        text = f"from functools import partial\nfrom make_d import make\n{REGISTER}"
        write_files(folder, **{f"d{hidden}": f"{text}register('d{hidden}', partial(make, hidden={hidden}))"})
        import_models([str(folder / f"d{hidden}.py")])
    assert registered("d3").fingerprint != registered("d5").fingerprint


def test_another_file_in_the_place_of_the_one_beside_is_refused(tmp_path: Path) -> None:
    for number in (1, 2):
        text = f"from beside_e import make\n{REGISTER}register('e{number}', make)"
        folder = write_files(tmp_path / str(number), beside_e=MAKE.format(hidden=number), **{f"e{number}": text})
        if number == 1:
            import_models([str(folder / "e1.py")])
    with pytest.raises(BadInput, match=r"beside_e\.py: under its name .* has been imported in its place"):
        import_models([str(folder / "e2.py")])


def test_an_instance_that_can_be_called_is_a_factory(tmp_path: Path) -> None:
    text = (
        f"{MAKE.format(hidden=2)}{REGISTER}from dataclasses import dataclass\n@dataclass\nclass Maker:\n"
        "    def __call__(self, config):\n        return make(config)\n"
    )
    folder = write_files(tmp_path, maker_f=f"{text}register('f', Maker())")
    import_models([str(folder / "maker_f.py")])
    assert count(config("f")).n_params == 2 * 2 * VOCABULARY + VOCABULARY


def test_a_model_registered_anew_is_counted_anew(tmp_path: Path) -> None:
    unpinned = ModelConfig.model_validate({"architecture": "g", "vocab_size": VOCABULARY, "context": CONTEXT})
    for hidden in (2, 3):
        folder = write_files(tmp_path, **{f"g{hidden}": f"{MAKE.format(hidden=hidden)}{REGISTER}register('g', make)"})
        import_models([str(folder / f"g{hidden}.py")])
        assert count(unpinned).n_params == 2 * hidden * VOCABULARY + VOCABULARY


def test_a_package_that_imports_what_lies_beside_it_counts_that_too(tmp_path: Path) -> None:
    prints = []
    for number in (1, 2):
        folder = write_files(tmp_path / str(number), common_h=f"NUMBER = {number}")
        write_files(folder / "package_h", __init__="", net="from common_h import NUMBER")
        prints.append(own.source_files([folder / "package_h" / "net.py"]))
    assert [name for name, _ in prints[0]] == ["common_h.py", "package_h/__init__.py", "package_h/net.py"]
    assert prints[0] != prints[1]


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        (None, "no such file"),
        ("import nowhere_at_all", r"cannot be imported \(ModuleNotFoundError"),
        ("x = 1", "it registers no model; have it call"),
        ("from workbench.models.own import register\nregister('decoder', print)", "must be another than 'decoder'"),
        ("from workbench.models.own import register\nregister('it', 3)", "3 cannot be called"),
    ],
)
def test_an_import_that_brings_no_model_is_refused(tmp_path: Path, text: str | None, sentence: str) -> None:
    path = tmp_path / f"brings_{abs(hash(text))}.py"
    if text is not None:
        path.write_text(text)
    with pytest.raises(BadInput, match=sentence):
        import_models([str(path)])
