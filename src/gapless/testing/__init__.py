"""FOR USERS' TESTS. Contexts, a fake clock, and conformance kits for stores and ledgers."""
