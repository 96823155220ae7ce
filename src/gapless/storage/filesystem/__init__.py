"""One file for each partition, local or in an object store: any value that can be pickled, text, bytes."""
