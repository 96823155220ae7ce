"""WHAT HAPPENED. Runs, status by partition, events, ticks; recovery after a crash."""
