"""One run: a RunConfig in, rows out."""
