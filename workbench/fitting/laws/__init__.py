"""The laws, one small class each; to add one, write the class and give it a line in `LAWS`."""

from workbench.fitting.laws.base import Law, Parameter
from workbench.fitting.laws.chinchilla import Chinchilla, ChinchillaTied
from workbench.fitting.laws.kaplan import KaplanC, KaplanD, KaplanN, KaplanND

LAWS: dict[str, Law] = {
    "chinchilla": Chinchilla(),
    "chinchilla-tied": ChinchillaTied(),
    "kaplan-n": KaplanN(),
    "kaplan-d": KaplanD(),
    "kaplan-c": KaplanC(),
    "kaplan-nd": KaplanND(),
}
"""Name of a law of single points → the law. `isoflop` and `envelope` are procedures, not laws of points."""

__all__ = ["LAWS", "Law", "Parameter"]
