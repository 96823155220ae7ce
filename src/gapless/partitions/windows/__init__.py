"""Partitions that are windows of time between the ticks of a cron schedule."""
