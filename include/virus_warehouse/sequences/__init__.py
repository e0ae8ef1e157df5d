"""Stand-in, to be dropped."""
