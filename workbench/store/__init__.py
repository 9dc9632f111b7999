"""The parquet store: schema, append, query."""

from workbench.store.reference import reference_store
from workbench.store.store import Store

__all__ = ["Store", "reference_store"]
