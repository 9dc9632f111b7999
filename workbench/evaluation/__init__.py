"""Probes of a trained model: rows out."""

from workbench.evaluation.probes import PROBES, run_probes

__all__ = ["PROBES", "run_probes"]
