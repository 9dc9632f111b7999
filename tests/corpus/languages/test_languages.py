"""Each language against its own closed form, the exact filter on its own documents, and brute force on tiny ones."""

import math
from collections import Counter
from itertools import pairwise

import numpy as np
import pytest

from tests.corpus.languages.test_machine import brute_force
from workbench.corpus.languages import LANGUAGES, language
from workbench.corpus.languages.grammar import Grammar
from workbench.errors import BadInput

TINY = {
    "markov": {"vocabulary": 3, "order": 2},
    "unifilar-hmm": {"states": 3, "vocabulary": 3, "branching": 2},
    "hmm": {"states": 2, "vocabulary": 3},
    "grammar": {"depth": 1, "phrases": 2, "productions": 2, "words": 1},
}
SMALL_CORPUS = {"symbols": 64 * 2048, "document_symbols": 2048}


@pytest.mark.parametrize("source", LANGUAGES)
@pytest.mark.parametrize("seed", [0, 1])
def test_window_entropy_of_a_tiny_language_equals_brute_force(source: str, seed: int) -> None:
    tiny = language(source, {**TINY[source], "seed": seed})
    block = brute_force(tiny.machine, 7)
    for context in (1, 2, 6):
        assert tiny.window_entropy(context) == pytest.approx((block[context] - block[0]) / context, abs=1e-6)


@pytest.mark.parametrize("source", LANGUAGES)
def test_the_exact_filter_on_the_documents_meets_the_window_entropy(source: str) -> None:
    """Mean surprisal over sampled windows, within five standard errors: sampling, filter and enumeration agree."""
    smaller = {"vocabulary": 12} if source == "markov" else {}
    known = language(source, {**SMALL_CORPUS, **smaller, "seed": 3})
    context = 16
    symbols = np.array([known.encode(document.text) for document in known.documents()])
    windows = symbols[:, : 2048 // 32 * 32].reshape(-1, 32)[:, : context + 1]
    loss_B = known.machine.surprisal(windows)[:, 1:].mean(1)
    error = loss_B.std() / len(loss_B) ** 0.5
    assert error < 0.02
    assert abs(loss_B.mean() - known.window_entropy(context)) < 5 * error


@pytest.mark.parametrize("source", LANGUAGES)
def test_the_window_entropy_falls_towards_the_rate(source: str) -> None:
    known = language(source, {})
    entropies = [known.window_entropy(context) for context in (1, 4, 64)]
    assert entropies == sorted(entropies, reverse=True)
    assert known.entropy_rate() - 1e-6 <= entropies[-1] < math.log(len(known.alphabet))


@pytest.mark.parametrize("source", LANGUAGES)
def test_documents_are_deterministic_and_a_longer_corpus_begins_with_the_shorter(source: str) -> None:
    short = {"symbols": 3000, "document_symbols": 1000, "seed": 5}
    first = [document.text for document in language(source, short).documents()]
    longer = [document.text for document in language(source, {**short, "symbols": 6500}).documents()]
    other = [document.text for document in language(source, {**short, "seed": 6}).documents()]
    assert [len(text) for text in longer] == [1000] * 7
    assert longer[:3] == first and other != first
    assert len({document.name for document in language(source, short).documents()}) == 3


@pytest.mark.parametrize("source", LANGUAGES)
def test_documents_are_stationary(source: str) -> None:
    """The first symbol and a late one have the frequencies of the stationary distribution."""
    known = language(source, {"symbols": 64 * 40 * 100, "document_symbols": 40})
    machine = known.machine
    expected = np.bincount(machine.symbol_E, weights=machine.stationary_S[machine.source_E] * machine.prob_E)
    texts = [document.text for document in known.documents()]
    for position in (0, 39):
        counts = Counter(text[position] for text in texts)
        observed = np.array([counts[c] for c in known.alphabet[: expected.size]])
        wanted = expected * len(texts)
        kept = wanted > 5
        chi = ((observed - wanted)[kept] ** 2 / wanted[kept]).sum()
        assert chi < kept.sum() + 6 * (2 * kept.sum()) ** 0.5


@pytest.mark.parametrize("settings", [{}, {"depth": 3, "seed": 2}, {"depth": 1, "phrases": 5, "children": 3}])
def test_grammar_rate_is_sentence_entropy_over_length(settings: dict) -> None:
    grammar = language("grammar", settings)
    assert isinstance(grammar, Grammar)
    entropy, length = grammar.sentence_entropy_and_length()
    assert grammar.entropy_rate() == pytest.approx(entropy / length, abs=1e-12)


def test_grammar_is_unambiguous() -> None:
    """Every sentence of a tiny grammar, derived in all ways, comes once, and none begins another."""
    grammar = language("grammar", {"depth": 2, "phrases": 2, "productions": 2, "words": 2, "seed": 1})
    machine = grammar.machine
    sentences, todo = [], [(0, "")]
    while todo:
        state, said = todo.pop()
        for e in np.flatnonzero(machine.source_E == state):
            more = said + grammar.alphabet[machine.symbol_E[e]]
            if machine.target_E[e] == 0:
                sentences.append(more)
            else:
                todo.append((int(machine.target_E[e]), more))
    ordered = sorted(sentences)
    assert len(ordered) == 8 * 16
    assert not any(b.startswith(a) for a, b in pairwise(ordered))


def test_markov_rows_gather_around_the_row_of_the_shorter_context() -> None:
    """With a large concentration every row is nearly the Zipfian base, and the entropy its entropy."""
    flat = language("markov", {"vocabulary": 6, "order": 2, "concentration": 1e7})
    base = np.arange(1, 7) ** -1.0
    base /= base.sum()
    assert flat.entropy_rate() == pytest.approx(float(-base @ np.log(base)), abs=1e-3)
    peaked = language("markov", {"vocabulary": 6, "order": 2, "concentration": 2.0})
    assert peaked.entropy_rate() < 0.8 * flat.entropy_rate()


@pytest.mark.parametrize(
    ("source", "small", "large"),
    [
        ("markov", {"vocabulary": 8}, {"vocabulary": 32}),
        ("unifilar-hmm", {"states": 8}, {"states": 128}),
        ("hmm", {"states": 2}, {"states": 4}),
        ("grammar", {"depth": 1}, {"depth": 3}),
    ],
)
def test_the_size_knob_grows_the_machine(source: str, small: dict, large: dict) -> None:
    assert language(source, small).machine.n_states < language(source, large).machine.n_states


def test_symbols_beyond_ascii_are_single_characters() -> None:
    wide = language("markov", {"vocabulary": 200, "order": 1, "symbols": 500, "document_symbols": 500})
    assert len(set(wide.alphabet)) == 200 and wide.alphabet[:94].isascii()
    (document,) = wide.documents()
    assert len(document.text) == 500 and len(wide.encode(document.text)) == 500


@pytest.mark.parametrize(
    ("source", "settings", "sentence"),
    [
        ("klingon", {}, "'klingon' is no language of known entropy; markov, unifilar-hmm, hmm, grammar are"),
        ("markov", {"vocabulry": 8}, "'markov' has no setting 'vocabulry'; it has concentration"),
        ("markov", {"vocabulary": "many"}, "setting 'vocabulary' = 'many'"),
        ("markov", {"vocabulary": 1}, "setting 'vocabulary' = 1"),
        ("markov", {"vocabulary": 512, "order": 3}, "needs a table of 512\\^4 probabilities, at most 4194304"),
        ("unifilar-hmm", {"vocabulary": 4, "branching": 5}, "branching = 5 is above vocabulary = 4"),
        ("grammar", {"words": 3000, "phrases": 3}, "= 9006 symbols, between 2 and"),
        ("grammar", {"depth": 6, "productions": 5}, "states of the parser, at most 50000"),
    ],
)
def test_wrong_settings_are_one_sentence(source: str, settings: dict, sentence: str) -> None:
    with pytest.raises(BadInput, match=sentence):
        language(source, settings)


def test_a_hidden_source_whose_bracket_stays_open_is_refused() -> None:
    slow = language("hmm", {"states": 24, "vocabulary": 32, "mixing": 0.0, "concentration": 0.5})
    with pytest.raises(BadInput, match="the entropy rate cannot be bracketed to 1e-06 nats"):
        slow.entropy_rate()


def test_a_window_of_nothing_is_refused() -> None:
    for source in LANGUAGES:
        with pytest.raises(BadInput, match="a window has at least 1 token"):
            language(source, {}).window_entropy(0)
