"""WHERE DATA LIES. The slice store contract and its backends."""
