"""Benchmarks: programs that measure and print, run as `python -m tests.benchmarks.NAME`; nothing asserts a time."""
