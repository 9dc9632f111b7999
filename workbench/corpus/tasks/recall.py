"""Associative recall: pairs of a key and a value, then some of the keys again, each to be followed by its value.

    aXbYcZ|bYaXcZ      after `b` in the second half comes `Y`, and only the first half says so

One layer of attention cannot do it, two can (Olsson et al. 2022; Arora et al. 2023, arXiv 2312.04927, whose multi-query
form this is: every query trains). Every example has the same length: with a context of `example_length` each window of
training is one example, and keys are never bound twice in it.
"""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from workbench.corpus.documents import Document
from workbench.corpus.sources.base import Setting, Settings
from workbench.corpus.tasks.base import Item, in_range, is_test
from workbench.errors import BadInput

KEYS = "abcdefghijklmnopqrstuvwxyz!#$%&'()*+,-./:;<=>"
VALUES = "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789?@[]^_`{}"

SETTINGS = {
    "n_pairs": Setting(int, 4, "a number of pairs an example, at least 1 and at most n_keys"),
    "n_queries": Setting(int, None, "a number of queries an example, from 1 to n_pairs (all pairs unless given)"),
    "n_keys": Setting(int, 16, f"a number of keys, from 1 to {len(KEYS)}"),
    "n_values": Setting(int, 16, f"a number of values, from 2 to {len(VALUES)}"),
    "examples": Setting(int, 200_000, "a number of training examples, at least 1"),
    "examples_per_document": Setting(int, 128, "a number of examples, at least 1"),
    "held_out": Setting((float, int), 0.1, "the share of all examples kept for testing, between 0 and 1"),
    "seed": Setting(int, 0, "a whole number, at least 0"),
}


class AssociativeRecall:
    """Keys distinct within an example, values drawn with replacement, queries in an order of their own."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        in_range("associative-recall", "n_keys", settings["n_keys"], 1, len(KEYS))
        in_range("associative-recall", "n_values", settings["n_values"], 2, len(VALUES))
        in_range("associative-recall", "n_pairs", settings["n_pairs"], 1, settings["n_keys"])
        self.n_queries = settings["n_pairs"] if settings["n_queries"] is None else settings["n_queries"]
        in_range("associative-recall", "n_queries", self.n_queries, 1, settings["n_pairs"])
        in_range("associative-recall", "examples", settings["examples"], 1, 10**9)
        in_range("associative-recall", "examples_per_document", settings["examples_per_document"], 1, 10**9)
        in_range("associative-recall", "held_out", settings["held_out"], 0.001, 0.9)
        in_range("associative-recall", "seed", settings["seed"], 0, 2**63)

    @property
    def example_length(self) -> int:
        """Characters an example, its newline included."""
        return 2 + 2 * self.settings["n_pairs"] + 2 * self.n_queries

    def documents(self) -> Iterator[Document]:
        """Training examples, drawn one document at a time."""
        rng = np.random.default_rng([self.settings["seed"], 0])
        left, number = self.settings["examples"], 0
        while left > 0:
            size = min(left, self.settings["examples_per_document"])
            lines = self._draw(rng, size, test=False)
            yield Document("".join(lines), f"associative-recall-{number}")
            left, number = left - size, number + 1

    def items(self, n: int) -> list[Item]:
        """Each test example asks for its first query; the prompt ends with the key."""
        rng = np.random.default_rng([self.settings["seed"], 1])
        found: dict[Item, None] = {}
        for _ in range(100):
            for line in self._draw(rng, n, test=True):
                bindings, queries = line.split("|")
                found[Item(f"{bindings}|{queries[0]}", queries[1], str(self.settings["n_pairs"]))] = None
            if len(found) >= n:
                break
        return list(found)[:n]

    def _draw(self, rng: np.random.Generator, size: int, test: bool) -> list[str]:
        """`size` examples on one side of the split."""
        lines: list[str] = []
        for _ in range(1000):
            keys_EP, values_EP, order_EQ = self._bindings(rng, size)
            chosen = np.flatnonzero(self._is_test(keys_EP, values_EP) == test)
            lines += self._lines(keys_EP[chosen], values_EP[chosen], order_EQ[chosen])
            if len(lines) >= size:
                return lines[:size]
        raise BadInput(
            f"corpus.settings: the task 'associative-recall' with {self.settings['n_keys']} keys, "
            f"{self.settings['n_values']} values and {self.settings['n_pairs']} pairs has too few examples to keep "
            "some for testing; more of either would be right."
        )

    def _bindings(
        self, rng: np.random.Generator, size: int
    ) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
        """E examples of P pairs, and the order of their Q queries."""
        n_pairs = self.settings["n_pairs"]
        keys_EP = rng.random((size, self.settings["n_keys"])).argsort(axis=1)[:, :n_pairs]
        values_EP = rng.integers(0, self.settings["n_values"], size=(size, n_pairs))
        order_EQ = rng.random((size, n_pairs)).argsort(axis=1)[:, : self.n_queries]
        return keys_EP, values_EP, order_EQ

    def _is_test(self, keys_EP: NDArray[np.int64], values_EP: NDArray[np.int64]) -> NDArray[np.bool_]:
        """An example is its pairs in their order; the queries do not count."""
        columns = [column.astype(np.uint64) for column in (*keys_EP.T, *values_EP.T)]
        return is_test(*columns, fraction=self.settings["held_out"])

    def _lines(
        self, keys_EP: NDArray[np.int64], values_EP: NDArray[np.int64], order_EQ: NDArray[np.int64]
    ) -> list[str]:
        key, value = np.array(list(KEYS)), np.array(list(VALUES))
        pairs_EP = np.char.add(key[keys_EP], value[values_EP])
        queries_EQ = np.take_along_axis(pairs_EP, order_EQ, axis=1)
        return [
            "\n" + "".join(pairs) + "|" + "".join(queries)
            for pairs, queries in zip(pairs_EP.tolist(), queries_EQ.tolist(), strict=True)
        ]
