"""Sweeps under faults: killed, out of disk, files cut short."""
