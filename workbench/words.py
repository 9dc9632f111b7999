"""A word that names nothing: what was likely meant, before the whole list."""

from collections.abc import Iterable
from difflib import get_close_matches

from workbench.errors import BadInput


def meant(word: str, known: Iterable[str]) -> str:
    """'did you mean chinchilla? ', or nothing where no known word is near."""
    lower = {name.lower(): name for name in known}
    near = get_close_matches(word.lower(), lower, n=1)
    return f"did you mean {lower[near[0]]}? " if near else ""


def known_word(what: str, word: str, known: Iterable[str]) -> None:
    """Refuse a word that is none of those known."""
    names = tuple(known)
    if word not in names:
        said = meant(word, names)
        raise BadInput(f"{what} is '{word}'; {said}{'It' if said else 'it'} must be one of {', '.join(names)}.")
