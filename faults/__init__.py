"""What stores do when things go wrong: a program that makes them go wrong, and a table of what it saw."""
