"""Decoding: a trained model continues a prompt."""

from workbench.generation.decoding import generate
from workbench.generation.sampling import GREEDY, Sampling

__all__ = ["GREEDY", "Sampling", "generate"]
