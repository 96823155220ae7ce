"""SHOW. What a person asks for, as plain values: the command line prints them and the web serves them."""
