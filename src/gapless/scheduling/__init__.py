"""LET TIME PASS. The clock, the ticks of schedules, what each tick owes, and the daemon that sees to it."""
