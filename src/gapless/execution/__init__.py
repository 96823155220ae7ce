"""RUN IT. Drive a plan: ready set, workers, steps, retries, cancel."""
