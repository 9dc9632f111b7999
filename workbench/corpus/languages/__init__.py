"""Languages whose entropy is known exactly, so that a fitted irreducible loss can be compared with the truth."""

from collections.abc import Callable, Mapping
from typing import Any

from workbench.corpus.languages.grammar import Grammar, GrammarSettings
from workbench.corpus.languages.hidden import Hidden, HiddenSettings
from workbench.corpus.languages.language import Language
from workbench.corpus.languages.markov import Markov, MarkovSettings
from workbench.corpus.languages.unifilar import Unifilar, UnifilarSettings
from workbench.errors import BadInput

LANGUAGES: dict[str, Callable[[Mapping[str, Any]], Language]] = {
    "markov": lambda settings: Markov(MarkovSettings.read("markov", settings)),
    "unifilar-hmm": lambda settings: Unifilar(UnifilarSettings.read("unifilar-hmm", settings)),
    "hmm": lambda settings: Hidden(HiddenSettings.read("hmm", settings)),
    "grammar": lambda settings: Grammar(GrammarSettings.read("grammar", settings)),
}


def language(source: str, settings: Mapping[str, Any]) -> Language:
    """The language of that name with those settings."""
    if source not in LANGUAGES:
        raise BadInput(f"'{source}' is no language of known entropy; {', '.join(LANGUAGES)} are.")
    return LANGUAGES[source](settings)


__all__ = ["LANGUAGES", "Language", "language"]
