"""`workbench laws`."""

import json

import pytest

from workbench.fitting.laws import LAWS


def test_every_law_has_its_formula_and_below_it_its_source(run):
    code, out, _ = run("laws")
    lines = out.splitlines()
    assert code == 0
    assert [line.split()[0] for line in lines[::2]] == list(LAWS)
    assert [line.strip() for line in lines[1::2]] == [law.citation for law in LAWS.values()]


@pytest.mark.parametrize("name", LAWS)
def test_one_law_is_shown_in_full(run, name):
    law = LAWS[name]
    code, out, _ = run("laws", name)
    assert code == 0 and out.startswith(f"{name}: {law.formula}\nSource: {law.citation}\n")
    assert all(f"  {one.name} " in out and f"{one.meaning} [{one.unit}]" in out for one in law.parameters)
    assert law.latex in out and "docs/laws.md" in out


def test_one_law_as_json(run):
    assert json.loads(run("laws", "chinchilla", "--json")[1])["columns"] == ["n", "d"]


def test_an_unknown_law_is_refused(run):
    code, _, err = run("laws", "moore")
    assert code == 2 and "NAME is 'moore'; it must be one of chinchilla" in err
