"""The DuckDB file: opening it in turn, and what is run in it."""
