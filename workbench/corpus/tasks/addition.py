"""Addition of two numbers of k digits, plain (`12+34=46`) or with the sum reversed (`12+34=64`).

Reversed, each digit of the sum depends on the digits at its place and one carry, which a small model learns with far
fewer examples (Lee et al. 2023, "Teaching Arithmetic to Small Transformers", arXiv 2307.03381).
"""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from workbench.corpus.documents import Document
from workbench.corpus.sources.base import Setting, Settings
from workbench.corpus.tasks.base import Item, in_range, is_test, spread

SETTINGS = {
    "digits": Setting(int, 3, "digits of the larger problems, from 1 to 18"),
    "min_digits": Setting(int, 1, "digits of the smaller problems, from 1 to digits"),
    "reversed": Setting(bool, False, "true to write the sum's last digit first, or false"),
    "zero_padding": Setting(bool, False, "true to fill every number with zeros to one length, or false"),
    "problems": Setting(int, 200_000, "a number of training problems, at least 1"),
    "problems_per_document": Setting(int, 256, "a number of problems, at least 1"),
    "held_out": Setting((float, int), 0.1, "the share of all problems kept for testing, between 0 and 1"),
    "seed": Setting(int, 0, "a whole number, at least 0"),
}


class Addition:
    """Both numbers have the same number of digits k, each k from `min_digits` to `digits` equally often."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        in_range("addition", "digits", settings["digits"], 1, 18)
        in_range("addition", "min_digits", settings["min_digits"], 1, settings["digits"])
        in_range("addition", "problems", settings["problems"], 1, 10**9)
        in_range("addition", "problems_per_document", settings["problems_per_document"], 1, 10**9)
        in_range("addition", "held_out", settings["held_out"], 0.001, 0.9)
        in_range("addition", "seed", settings["seed"], 0, 2**63)
        self.sizes = list(range(settings["min_digits"], settings["digits"] + 1))

    def documents(self) -> Iterator[Document]:
        """Problems drawn with replacement; small numbers therefore return."""
        rng = np.random.default_rng([self.settings["seed"], 0])
        left, per = self.settings["problems"], self.settings["problems_per_document"]
        number = 0
        while left > 0:
            k = rng.choice(self.sizes, size=min(per, left))
            a, b = self._draw(rng, k, test=False)
            yield Document("".join(map(self.line, k.tolist(), a.tolist(), b.tolist())), f"addition-{number}")
            left, number = left - len(k), number + 1

    def items(self, n: int) -> list[Item]:
        """Test problems, as many of each number of digits."""
        rng = np.random.default_rng([self.settings["seed"], 1])
        items: list[Item] = []
        for k, wanted in zip(self.sizes, spread(n, len(self.sizes)), strict=True):
            for a, b in self._test_problems(rng, k, wanted):
                prompt, answer = self.line(k, a, b).split("=")
                items.append(Item(prompt + "=", answer + "\n", str(k)))
        return items

    def line(self, k: int, a: int, b: int) -> str:
        """A problem as text; the newline stands before it, and that of the next one ends it."""
        total = str(a + b)
        if self.settings["zero_padding"]:
            k, total = self.settings["digits"], total.zfill(self.settings["digits"] + 1)
        return f"\n{a:0{k}d}+{b:0{k}d}={total[::-1] if self.settings['reversed'] else total}"

    def _test_problems(self, rng: np.random.Generator, k: int, wanted: int) -> list[tuple[int, int]]:
        """Distinct test problems of k digits: out of all where they can be listed, else drawn."""
        low, high = bounds(k)
        if (high - low) ** 2 <= 100_000:
            a, b = (grid.ravel() for grid in np.mgrid[low:high, low:high])
            held_out = np.flatnonzero(self._is_test(a, b))
            chosen = rng.permutation(held_out)[:wanted]
            return list(zip(a[chosen].tolist(), b[chosen].tolist(), strict=True))
        found: dict[tuple[int, int], None] = {}
        while len(found) < min(wanted, (high - low) ** 2 // 1000):
            a, b = self._draw(rng, np.full(wanted, k), test=True)
            found.update(dict.fromkeys(zip(a.tolist(), b.tolist(), strict=True)))
        return list(found)[:wanted]

    def _draw(
        self, rng: np.random.Generator, k: NDArray[np.int64], test: bool
    ) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """One problem of each number of digits in `k`, all on one side of the split: wrong ones are drawn again."""
        low = np.array([bounds(int(i))[0] for i in range(1, 19)])[k - 1]
        high = np.array([bounds(int(i))[1] for i in range(1, 19)])[k - 1]
        a, b = rng.integers(low, high), rng.integers(low, high)
        wrong = np.flatnonzero(self._is_test(a, b) != test)
        while len(wrong):
            a[wrong], b[wrong] = rng.integers(low[wrong], high[wrong]), rng.integers(low[wrong], high[wrong])
            wrong = wrong[self._is_test(a[wrong], b[wrong]) != test]
        return a, b

    def _is_test(self, a: NDArray[np.int64], b: NDArray[np.int64]) -> NDArray[np.bool_]:
        return is_test(a.astype(np.uint64), b.astype(np.uint64), fraction=self.settings["held_out"])


def bounds(k: int) -> tuple[int, int]:
    """The numbers of k digits, from the first to one past the last; 0 has one digit."""
    return (0 if k == 1 else 10 ** (k - 1), 10**k)
