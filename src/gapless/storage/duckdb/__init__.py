"""Tables of a DuckDB file: one file, one writer at a time, every slice replaced in a transaction."""
