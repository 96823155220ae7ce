"""A copy of what assets hold, for programs that must not wait for us: swapped whole, old or new, never half."""
