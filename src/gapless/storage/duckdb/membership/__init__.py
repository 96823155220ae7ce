"""Which rows belong to which slices, and whether they lie there."""
