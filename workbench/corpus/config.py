"""What a corpus is made from: a frozen, validated description that determines every token of it on one machine."""

from collections.abc import Mapping
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from workbench.validation import validated

TokenizerName = Literal["bytes", "bpe", "gpt2", "symbols"]

FIXED_VOCAB_SIZES = {"bytes": 257, "gpt2": 50257}
"""Tokenizers whose size is not a choice: 256 bytes and end-of-text; GPT-2's vocabulary."""


class MixPart(BaseModel):
    """One source of a mixture."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    source: str
    """A source's name."""
    settings: dict[str, Any] = {}
    """Its settings."""
    weight: float = Field(default=1.0, gt=0, allow_inf_nan=False)
    """Its share of the mixture's bytes, relative to the other parts'."""


class CorpusConfig(BaseModel):
    """A corpus: its source, its steps, its tokenizer."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    source: str = "python"
    """A name of `workbench.corpus.sources.SOURCES`, or `mix`."""
    settings: dict[str, Any] = {}
    """The source's own settings; `workbench corpus show` lists them."""
    mix: tuple[MixPart, ...] = ()
    """The parts of `mix`, each with its share of the bytes."""
    tokenizer: TokenizerName = "bpe"
    """bytes; bpe, trained on this corpus; gpt2; symbols, the distinct characters of a small alphabet."""
    vocab_size: int = Field(default=512, ge=1)
    """Ids of the model's vocabulary, end-of-text included. Free for bpe (at least 257) and for symbols, where it is at
    least the number of distinct characters and must be given, so that it is known before anything is read."""
    clean: bool = True
    """Whether text is cleaned (languages and tasks never are)."""
    deduplicate: bool = True
    """Whether repeated documents and repeated long lines of text are dropped (of languages and tasks, never)."""
    validation_fraction: float = Field(default=0.02, gt=0, lt=1)
    """The share of documents held out, by the hash of their text. 2% of the default corpus is 1 MB: loss to 0.01."""
    max_bytes: int | None = Field(default=None, ge=1)
    """Bytes of text at most, the documents taken in the order of their hashes: a sample of the whole."""

    @property
    def resolved_vocab_size(self) -> int:
        """The vocabulary of the tokenizer, known without reading anything."""
        return FIXED_VOCAB_SIZES.get(self.tokenizer, self.vocab_size)

    @property
    def parts(self) -> tuple[MixPart, ...]:
        """The sources it reads: those of the mixture, or the one."""
        return self.mix or (MixPart(source=self.source, settings=self.settings),)

    @model_validator(mode="before")
    @classmethod
    def _vocabulary(cls, data: Any) -> Any:
        """Write the size of a tokenizer of fixed size down, and refuse another."""
        if not isinstance(data, Mapping):
            return data
        tokenizer = data.get("tokenizer", "bpe")
        fixed = FIXED_VOCAB_SIZES.get(tokenizer) if isinstance(tokenizer, str) else None
        if fixed is not None:
            if data.get("vocab_size", fixed) != fixed:
                raise ValueError(
                    f"vocab_size = {data['vocab_size']!r}: the tokenizer {tokenizer!r} has {fixed:,} ids; leave it out"
                )
            return {**data, "vocab_size": fixed}
        if tokenizer == "symbols" and "vocab_size" not in data:
            raise ValueError(
                "vocab_size is missing: the tokenizer 'symbols' needs the number of distinct characters of the corpus, "
                "and one more if its documents are separated (text)"
            )
        return data

    @model_validator(mode="after")
    def _consistent(self) -> "CorpusConfig":
        """Known sources, a mixture where one is asked for, and a vocabulary that holds the bytes."""
        from workbench.corpus.sources import SOURCES

        names = sorted([*SOURCES, "mix"])
        if self.source not in names:
            raise ValueError(f"source = {self.source!r} is unknown; one of {', '.join(names)} is right")
        if (self.source == "mix") != bool(self.mix):
            raise ValueError("mix: give its parts as [[corpus.mix]] tables together with source = 'mix', or neither")
        if self.mix and self.settings:
            raise ValueError("settings: those of a mixture stand in its parts")
        for part in self.mix:
            if part.source not in SOURCES:
                raise ValueError(f"mix: source = {part.source!r} is unknown; one of {', '.join(SOURCES)} is right")
        if self.tokenizer == "bpe" and self.vocab_size < 257:
            raise ValueError(
                f"vocab_size = {self.vocab_size}: byte-level BPE needs at least 257, 256 bytes and end-of-text"
            )
        return self


def corpus_config(data: Mapping[str, Any], where: str) -> CorpusConfig:
    """The config of a table read from `where`; the first thing wrong with it as one sentence."""
    return validated(CorpusConfig, dict(data), f"{where}: corpus")
