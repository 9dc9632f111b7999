"""The pages: each asks an analysis and shows what it returns."""
