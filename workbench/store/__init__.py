"""The parquet store: schema, append, query."""

from workbench.store.store import Store

__all__ = ["Store"]
