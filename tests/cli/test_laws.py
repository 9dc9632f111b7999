"""`workbench laws`."""

import json

from workbench.fitting.laws import LAWS


def test_every_law_has_a_line(run):
    code, out, _ = run("laws")
    assert code == 0
    assert [line.split()[0] for line in out.splitlines()] == list(LAWS)


def test_one_law_shows_its_parameters(run):
    code, out, _ = run("laws", "chinchilla")
    assert code == 0 and "irreducible loss" in out and "2203.15556" in out
    assert json.loads(run("laws", "chinchilla", "--json")[1])["columns"] == ["n", "d"]


def test_an_unknown_law_is_refused(run):
    code, _, err = run("laws", "moore")
    assert code == 2 and "NAME is 'moore'; it must be one of chinchilla" in err
