"""Probes of a trained model: rows out."""
