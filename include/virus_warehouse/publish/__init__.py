"""Publication: a checked copy of the warehouse, published for all readers."""
