"""The parquet store: schema, append, query."""

from workbench.store.reference import reference_store
from workbench.store.store import AlreadyFinished, Store

__all__ = ["AlreadyFinished", "Store", "reference_store"]
