"""A probabilistic grammar of finite depth, unambiguous, with Zipfian words.

A phrase of level l chooses one of its productions by Zipfian odds, says the production's marker, then its children,
which are phrases of level l + 1; at the last level the children are words of a class, with Zipfian odds. Markers
differ from level to level and from production to production (not from phrase to phrase), so a sentence is parsed left
to right in one way only (LL(1)) and the next sentence needs no separator. Hence

    H(phrase) = H(odds) + Σ_p odds_p Σ_children H(child),   length alike,   h = H(sentence) / E length(sentence),

and, the depth being finite, the stack has finitely many values: the grammar is a unifilar machine over them.
"""

from typing import Self

import numpy as np
from pydantic import Field, model_validator

from workbench.corpus.languages.language import MAX_SYMBOLS, Language, LanguageSettings, zipf
from workbench.corpus.languages.machine import Machine

Stack = tuple[tuple[int, int], ...]  # what is still to be said, next first: (level, number of the phrase or word class)
MAX_STACKS = 50_000


class GrammarSettings(LanguageSettings):
    """Size: `depth`, `phrases`, and the words of a class."""

    depth: int = Field(2, ge=1, le=6)
    """Levels of phrases above the words."""
    phrases: int = Field(3, ge=1)
    """Phrases at every level below the sentence, and word classes."""
    productions: int = Field(3, ge=1)
    """Productions of a phrase."""
    children: int = Field(2, ge=1)
    """Children of a production."""
    words: int = Field(16, ge=1)
    """Words of a class; classes share none."""
    zipf: float = Field(1.0, ge=0)
    """Exponent of the odds of productions and of words."""

    @property
    def vocabulary(self) -> int:
        """Markers of all levels, then the words of all classes."""
        return self.depth * self.productions + self.phrases * self.words

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if not 2 <= self.vocabulary <= MAX_SYMBOLS:
            raise ValueError(
                f"depth × productions + phrases × words = {self.vocabulary} symbols, "
                f"between 2 and {MAX_SYMBOLS} would be right"
            )
        stacks = self.phrases * (self.productions * self.children) ** self.depth
        if stacks > MAX_STACKS:
            raise ValueError(
                f"phrases × (productions × children)^depth = {stacks} states of the parser, "
                f"at most {MAX_STACKS} would be right"
            )
        return self


class Grammar(Language):
    """`rules[level][phrase][production]` is the tuple of children's numbers."""

    def __init__(self, settings: GrammarSettings) -> None:
        rng = np.random.default_rng([settings.seed, 0])
        per_level = [1] + [settings.phrases] * (settings.depth - 1)
        self.rules = [
            rng.integers(0, settings.phrases, (count, settings.productions, settings.children)) for count in per_level
        ]
        self.odds_P = zipf(settings.productions, settings.zipf)
        self.word_W = zipf(settings.words, settings.zipf)
        super().__init__("grammar", settings, self._compile(settings))

    def sentence_entropy_and_length(self) -> tuple[float, float]:
        """H(sentence) in nats and its expected length in symbols, from the words up."""
        settings = self.settings
        assert isinstance(settings, GrammarSettings)
        entropy_F = np.full(settings.phrases, -self.word_W @ np.log(self.word_W))
        length_F = np.ones(settings.phrases)
        for rules_FPC in reversed(self.rules):
            entropy_F = -self.odds_P @ np.log(self.odds_P) + entropy_F[rules_FPC].sum(2) @ self.odds_P
            length_F = 1 + length_F[rules_FPC].sum(2) @ self.odds_P
        return float(entropy_F[0]), float(length_F[0])

    def _compile(self, settings: GrammarSettings) -> Machine:
        """Walk all stacks reachable from the start of a sentence; a state is a stack."""
        state_of: dict[Stack, int] = {((0, 0),): 0}
        todo = list(state_of)
        edges: list[tuple[int, int, int, float]] = []
        while todo:
            stack = todo.pop()
            (level, number), rest = stack[0], stack[1:]
            if level < settings.depth:
                choices = [
                    (
                        level * settings.productions + p,
                        tuple((level + 1, int(c)) for c in children) + rest,
                        self.odds_P[p],
                    )
                    for p, children in enumerate(self.rules[level][number])
                ]
            else:
                first = settings.depth * settings.productions + number * settings.words
                choices = [(first + w, rest, self.word_W[w]) for w in range(settings.words)]
            for symbol, after, odds in choices:
                target = after or ((0, 0),)
                if target not in state_of:
                    state_of[target] = len(state_of)
                    todo.append(target)
                edges.append((state_of[stack], symbol, state_of[target], float(odds)))
        source, symbol_E, target_E, prob = (np.array(column) for column in zip(*edges, strict=True))
        return Machine.from_edges(len(state_of), settings.vocabulary, source, symbol_E, target_E, prob)
