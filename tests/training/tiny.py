"""A tiny corpus and a tiny run, real but trained in a fraction of a second."""

from pathlib import Path
from typing import Any

from workbench.corpus.config import CorpusConfig
from workbench.corpus.prepare import prepare
from workbench.corpus.shards import Corpus
from workbench.training.config import RunConfig

MODEL = {"n_layer": 1, "n_head": 2, "d_model": 8, "context": 16}


def tiny_corpus(folder: Path) -> Corpus:
    """Some 30,000 bytes of arithmetic in words, prepared under `folder`."""
    source = folder / "texts"
    source.mkdir(exist_ok=True)
    for i in range(40):
        lines = "".join(f"{a} plus {i} is {a + i}; " for a in range(i, i + 40))
        (source / f"{i}.txt").write_text(lines)
    config = CorpusConfig(
        source="files", settings={"path": str(source)}, tokenizer="bytes", validation_fraction=0.2, deduplicate=False
    )
    return prepare(config, root=folder / "corpora")


def tiny_run(corpus: Corpus, model: dict[str, Any] | None = None, **train: Any) -> RunConfig:
    """A run of 20 steps of 64 tokens, unless told otherwise."""
    execution = train.pop("execution", {})
    seeds = {name: train.pop(name) for name in ("seed_init", "seed_data") if name in train}
    horizon = {} if {"tokens", "flops", "tokens_per_param"} & set(train) else {"steps": 20, "batch_tokens": 64}
    return RunConfig.model_validate(
        {
            "corpus": corpus.config,
            "model": {**MODEL, "vocab_size": corpus.vocab_size, **(model or {})},
            "train": {"learning_rate": 0.01, "eval_windows": 16, **horizon, **train},
            "execution": {"device": "cpu", **execution},
            **seeds,
        }
    )
