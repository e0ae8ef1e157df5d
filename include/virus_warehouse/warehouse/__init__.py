"""Keeping it: the DuckDB warehouse file, its schema, and the merge and ledger that change it together."""
