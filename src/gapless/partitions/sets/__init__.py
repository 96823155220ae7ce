"""Sets of partitions: as a value, as ranges of keys, as JSON, and as the text that selects them."""
