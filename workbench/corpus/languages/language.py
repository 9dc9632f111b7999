"""A language whose entropy is known: a machine, an alphabet, and documents drawn from it."""

from collections.abc import Iterator, Mapping
from functools import cached_property
from string import ascii_letters, digits, punctuation
from typing import Any, Self

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from workbench.corpus.documents import Document
from workbench.corpus.languages.beliefs import NotBracketed, rate_bracket, window_bracket
from workbench.corpus.languages.machine import Machine
from workbench.errors import BadInput

ASCII = ascii_letters + digits + punctuation  # 94 symbols of one byte each
MAX_SYMBOLS = len(ASCII) + 4000
CHAINS = 64  # documents drawn side by side
TOLERANCE = 1e-6  # nats; the width of a bracket that is reported as one number


class LanguageSettings(BaseModel):
    """What every language has: its seed, and how much of it is drawn."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    seed: int = Field(0, ge=0)
    """Determines the language (its probabilities) and the documents drawn from it."""
    symbols: int = Field(4_194_304, ge=1)
    """Symbols drawn in all, rounded up to whole documents."""
    document_symbols: int = Field(65_536, ge=2)
    """Symbols a document. Long, because a window that runs from one document into the next meets a break that is no
    part of the language; it costs a few nats per document."""

    @classmethod
    def read(cls, source: str, settings: Mapping[str, Any]) -> Self:
        """Validate; the first problem becomes one sentence."""
        try:
            return cls.model_validate(dict(settings))
        except ValidationError as error:
            problem = error.errors()[0]
            key = ".".join(str(part) for part in problem["loc"])
            if problem["type"] == "extra_forbidden":
                known = ", ".join(sorted(cls.model_fields))
                raise BadInput(f"corpus source '{source}' has no setting '{key}'; it has {known}.") from None
            at = f"setting '{key}' = {problem['input']!r}" if key else "its settings do not fit together"
            message = problem["msg"].removeprefix("Value error, ")
            raise BadInput(f"corpus source '{source}': {at}: {message}.") from None


class Language:
    """Documents of stationary draws, and their exact entropy in nats a symbol.

    One character is one symbol; the first 94 are ASCII, so that one symbol is one token under the
    tokenizers `bytes` and `symbols`.
    """

    def __init__(self, source: str, settings: LanguageSettings, machine: Machine) -> None:
        self.source = source
        self.settings = settings
        self.machine = machine
        self.alphabet = alphabet(machine.n_symbols)

    def documents(self) -> Iterator[Document]:
        """The documents, each one long stationary draw; a longer corpus begins with the shorter one."""
        length = self.settings.document_symbols
        n_documents = -(-self.settings.symbols // length)
        code_X = np.array([ord(c) for c in self.alphabet], dtype="<u4")
        for group, first in enumerate(range(0, n_documents, CHAINS)):
            rng = np.random.default_rng([self.settings.seed, 1, group])
            symbols_CT = self.machine.sample(CHAINS, length, rng)
            for number, symbols_T in enumerate(symbols_CT[: n_documents - first], first):
                yield Document(code_X[symbols_T].tobytes().decode("utf-32-le"), f"{self.source}-{number}")

    def encode(self, text: str) -> np.ndarray[Any, np.dtype[np.int32]]:
        """Characters back to symbols."""
        index = {c: i for i, c in enumerate(self.alphabet)}
        return np.array([index[c] for c in text], dtype=np.int32)

    def entropy_rate(self) -> float:
        """h = lim H(X_t | X_0 … X_{t−1}), in nats a symbol, within 1e-6."""
        low, high = self.rate_bracket
        return (low + high) / 2

    def window_entropy(self, context: int) -> float:
        """(1/T) Σ_{t=1..T} H(X_t | X_0 … X_{t−1}) from a stationary position: the loss of a perfect model with
        window T, within 1e-6."""
        low, high = self.window_bracket(context)
        return (low + high) / 2

    @cached_property
    def rate_bracket(self) -> tuple[float, float]:
        """Lower and upper bound of the entropy rate."""
        try:
            return rate_bracket(self.machine, TOLERANCE)
        except NotBracketed:
            raise BadInput(self._too_wide("the entropy rate")) from None

    def window_bracket(self, context: int) -> tuple[float, float]:
        """Lower and upper bound of the window entropy."""
        if context < 1:
            raise BadInput(f"context = {context}: a window has at least 1 token.")
        try:
            return window_bracket(self.machine, self.rate_bracket, context, TOLERANCE)
        except NotBracketed:
            raise BadInput(self._too_wide(f"the entropy of a window of {context}")) from None

    def _too_wide(self, what: str) -> str:
        given = self.settings.model_dump(exclude_defaults=True)
        return (
            f"corpus source '{self.source}' with settings {given}: {what} cannot be bracketed to {TOLERANCE:g} nats; "
            "fewer states, fewer symbols or a faster mixing would be right."
        )


def alphabet(n_symbols: int) -> str:
    """One character a symbol: printable ASCII without the space, then CJK ideographs."""
    return ASCII[:n_symbols] + "".join(chr(0x4E00 + i) for i in range(n_symbols - len(ASCII)))


def zipf(n: int, exponent: float) -> np.ndarray[Any, np.dtype[np.float64]]:
    """Probabilities proportional to 1 / rank^exponent."""
    weight = np.arange(1, n + 1, dtype=np.float64) ** -exponent
    return weight / weight.sum()
