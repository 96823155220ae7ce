"""Values that wait for their commit: checked, as frames that DuckDB scans, or in files where they are many."""
