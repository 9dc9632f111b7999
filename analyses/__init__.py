"""Studies: each reads a store or a table and returns a report."""
