"""What becomes of partitions when their definition changes."""
