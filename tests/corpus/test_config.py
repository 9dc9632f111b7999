"""Configs are compared with the documented keys, sizes and refusals."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workbench.corpus.config import CorpusConfig, MixPart, corpus_config
from workbench.corpus.sources import SOURCES
from workbench.errors import BadInput


def test_the_default_is_python_with_bpe_of_512() -> None:
    config = CorpusConfig()
    assert (config.source, config.tokenizer, config.resolved_vocab_size) == ("python", "bpe", 512)
    assert (config.clean, config.deduplicate, config.validation_fraction, config.max_bytes) == (True, True, 0.02, None)


@pytest.mark.parametrize(("tokenizer", "size"), [("bytes", 257), ("gpt2", 50257)])
def test_tokenizers_of_fixed_size_say_it_and_refuse_another(tokenizer: str, size: int) -> None:
    assert corpus_config({"tokenizer": tokenizer}, "x.toml").resolved_vocab_size == size
    with pytest.raises(BadInput, match=f"vocab_size = 999: the tokenizer '{tokenizer}' has {size:,} ids"):
        corpus_config({"tokenizer": tokenizer, "vocab_size": 999}, "x.toml")


@given(
    st.sampled_from(sorted(SOURCES)),
    st.sampled_from(["bytes", "bpe", "gpt2"]),
    st.floats(0.01, 0.5),
    st.none() | st.integers(1, 10**9),
)
def test_a_config_survives_json(source: str, tokenizer: str, fraction: float, max_bytes: int | None) -> None:
    config = corpus_config(
        {"source": source, "tokenizer": tokenizer, "validation_fraction": fraction, "max_bytes": max_bytes}, "x"
    )
    assert CorpusConfig.model_validate(json.loads(config.model_dump_json())) == config


@pytest.mark.parametrize(
    ("table", "sentence"),
    [
        (
            {"sauce": "python"},
            r"x\.toml: corpus: unknown key sauce = 'python'; did you mean source\? The keys here are source",
        ),
        ({"source": "pythn"}, r"x\.toml: corpus: source = 'pythn' is unknown; one of addition, .*python.* is right"),
        ({"source": 3}, r"corpus: source = 3: it should be text, in quotes"),
        ({"tokenizer": "words"}, r"corpus: tokenizer = 'words': it should be 'bytes', 'bpe', 'gpt2' or 'symbols'"),
        ({"vocab_size": "many"}, r"corpus: vocab_size = 'many': it should be a whole number"),
        ({"vocab_size": 256}, r"vocab_size = 256: byte-level BPE needs at least 257"),
        ({"tokenizer": "symbols"}, r"vocab_size is missing: the tokenizer 'symbols' needs the number of distinct"),
        ({"validation_fraction": 1.0}, r"corpus: validation_fraction = 1\.0: it should be less than 1"),
        ({"max_bytes": 0}, r"corpus: max_bytes = 0: it should be greater than or equal to 1"),
        ({"source": "mix"}, r"mix: give its parts as \[\[corpus\.mix\]\] tables together with source = 'mix'"),
        ({"mix": [{"source": "python"}]}, r"mix: give its parts"),
        ({"source": "mix", "mix": [{"source": "mix"}]}, r"mix: source = 'mix' is unknown"),
        (
            {"source": "mix", "mix": [{"source": "python", "weight": 0}]},
            r"corpus: mix\[0\]\.weight = 0: .* greater than 0",
        ),
        (
            {"source": "mix", "mix": [{"source": "python"}], "settings": {"a": 1}},
            r"those of a mixture stand in its parts",
        ),
    ],
)
def test_what_is_wrong_is_said_in_one_sentence(table: dict[str, object], sentence: str) -> None:
    with pytest.raises(BadInput, match=sentence) as error:
        corpus_config(table, "x.toml")
    assert "\n" not in str(error.value)


def test_parts_are_those_of_the_mixture_or_the_one_source() -> None:
    assert CorpusConfig(source="markov", settings={"order": 2}).parts == (
        MixPart(source="markov", settings={"order": 2}),
    )
    parts = (MixPart(source="python", weight=2), MixPart(source="addition"))
    assert CorpusConfig(source="mix", mix=parts).parts == parts
