"""The parquet store: schema, append, query."""
