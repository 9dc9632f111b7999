"""Figures and report documents: DataFrames and fits in; plotly figures, HTML, Markdown and JSON out."""
