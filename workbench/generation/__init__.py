"""Decoding: text out of a trained model."""
