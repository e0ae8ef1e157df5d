"""A data folder in a bucket: each host works in a copy of it, and sends what it writes."""
