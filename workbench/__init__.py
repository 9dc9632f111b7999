"""The scaling-law workbench: a sweep goes in, a scaling law comes out, and every step between is a plain file."""

__version__ = "0.1.0"
