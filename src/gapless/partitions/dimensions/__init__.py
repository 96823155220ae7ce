"""Partitions that several dimensions tell, and which combinations of them exist."""
