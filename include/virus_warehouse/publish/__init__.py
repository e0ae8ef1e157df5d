"""Showing it: a checked copy of the warehouse, published for everybody to read."""
