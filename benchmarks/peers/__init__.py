"""Other loaders of the same package into DuckDB, each used as its documentation recommends, keyed by accession.

None of them counts lines, quarantines bad ones, keeps history, folds the taxonomy, or verifies anything.
"""
