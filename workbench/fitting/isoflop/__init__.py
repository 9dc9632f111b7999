"""Approach 2: curves of loss against size at equal compute, their minima, and power laws through these."""
