"""Figures and report documents."""
