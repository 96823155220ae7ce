"""Assets as Parquet files, one for each version of a partition, in folders or object storage, under a commit log."""
