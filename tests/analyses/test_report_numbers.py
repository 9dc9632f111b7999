"""Every number in a report's sentences is in its JSON, to the digits that are printed."""

import json
import math
import re
from bisect import bisect_left
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.factories import make_runs
from workbench.analyses.measured_coverage import MEASURED
from workbench.analyses.scaling import study
from workbench.analyses.scaling_report import report
from workbench.store import Store, reference_store

UNITS = {"k": 1e3, "M": 1e6, "B": 1e9, "T": 1e12}
RAISED = str.maketrans("⁻⁰¹²³⁴⁵⁶⁷⁸⁹", "-0123456789")
NUMBER = re.compile(r"(?<![\w.,])[-+−]?\d[\d,]*(?:\.\d+)?(?:e[-+]?\d+)?(?:×10[⁻⁰-⁹¹²³]+)?[kMBT%]?(?![\w])")
TIME = re.compile(r"(\d+) (h|min) (\d+) (?:min|s)\b")
CITED = re.compile(r"`[^`]*`|\(arXiv [^)]*\)|[A-Z]\w+ et al\. \d{4}|arXiv [\d.]+|eqs?\. [\d., and]+|approach \d")
"""Code, names of papers and their equations are no results."""


def leaves(value: Any) -> Iterator[float]:
    """Every number in a JSON document, and those in its words: a fit's notes and reasons are results too."""
    if isinstance(value, dict):
        for item in value.values():
            yield from leaves(item)
    elif isinstance(value, list):
        yield float(len(value))  # a sentence may count what is listed
        for item in value:
            yield from leaves(item)
    elif isinstance(value, str):
        yield from (number for _, number, _ in printed(value))
    elif isinstance(value, int | float) and not isinstance(value, bool):
        yield float(value)


def printed(sentence: str) -> Iterator[tuple[str, float, float]]:
    """Each number of a sentence, its value and half a unit of its last digit."""
    quiet = CITED.sub(" ", sentence)
    for found in TIME.finditer(quiet):
        large, small = int(found[1]), int(found[3])
        unit = 60 if found[2] == "h" else 1
        yield found[0], (60 * large + small) * unit, 0.5 * unit
    for found in NUMBER.finditer(TIME.sub(" ", quiet)):
        yield found[0], *_value(found[0])


def _value(token: str) -> tuple[float, float]:
    text, scale = token.replace(",", "").replace("−", "-"), 1.0
    if text[-1] in UNITS:
        text, scale = text[:-1], UNITS[text[-1]]
    elif text[-1] == "%":
        text, scale = text[:-1], 0.01
    mantissa, _, exponent = text.partition("×10")
    scale *= 10.0 ** int(exponent.translate(RAISED)) if exponent else 1.0
    digits, _, power = mantissa.partition("e")
    scale *= 10.0 ** int(power) if power else 1.0
    decimals = len(digits.partition(".")[2])
    return float(digits) * scale, 0.5 * 10.0**-decimals * scale


def unknown(document: dict[str, Any]) -> list[str]:
    """The numbers of the summary and the paragraphs that no number of the JSON's data rounds to."""
    shown = [b for s in document["sections"] for b in s["blocks"]]
    held = [*leaves({key: item for key, item in document["data"].items() if key != "summary_lines"})]
    held += [x for b in shown if b["kind"] == "table" for x in leaves(b["rows"])]
    logs = sorted({abs(x) for x in held if math.isfinite(x)})
    sentences = [*document["summary"], *(b["text"] for b in shown if b["kind"] == "text")]
    sentences += [item for b in shown if b["kind"] == "bullets" for item in b["items"]]
    return [
        f"{token} in: {sentence}"
        for sentence in sentences
        for token, value, half in printed(sentence)
        if not _held(abs(value), half, logs)
    ]


def _held(value: float, half: float, known: list[float]) -> bool:
    low, high = value - half * 1.001, value + half * 1.001
    index = bisect_left(known, low)
    return index < len(known) and known[index] <= high


def documents() -> dict[str, dict[str, Any]]:
    store = Store(Path(str(reference_store())))
    simulated = study(*make_runs(0), name="simulated", resamples=100)
    shipped = study(store.runs(), store.curves(), store.evals(), name="reference", resamples=100)
    return {name: json.loads(report(one).to_json()) for name, one in (("simulated", simulated), ("reference", shipped))}


@pytest.fixture(scope="module")
def made() -> dict[str, dict[str, Any]]:
    return documents()


@pytest.mark.parametrize("name", ["simulated", "reference"])
def test_every_number_in_the_text_is_in_the_json(made, name: str):
    assert unknown(made[name]) == []


def test_a_number_that_is_not_there_is_found(made):
    document = made["simulated"]
    altered = {**document, "summary": [*document["summary"], "The loss is 3.14159265 nats."]}
    assert unknown(altered) == ["3.14159265 in: The loss is 3.14159265 nats."]


def test_measured_coverage_is_that_of_the_docs():
    page = (Path(__file__).parents[2] / "docs" / "coverage.md").read_text()
    rows: dict[str, list[list[str]]] = {}
    for line in page.splitlines():
        words = line.split()
        if len(words) == 15:
            rows.setdefault(words[0], []).append(words[11:13])
    names = {"profile": "profile", "whole groups": "groups", "configurations": "cases", "residuals": "residuals"}
    for one in MEASURED:
        if one.name in names:
            ends = [[float(x) for x in pair] for pair in rows[names[one.name]]]
            assert (one.least, one.most) == (min(e[0] for e in ends), max(e[1] for e in ends)), one.name
            together = re.findall(rf"{names[one.name]} ([\d.]+) \(", page)
            assert one.together is not None
            assert {f"{share:.1f}" for share in one.together} <= set(together)
