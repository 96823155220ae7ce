"""Which upstream partitions a downstream partition reads."""
