"""Sweep definitions you can run and copy."""
