"""Other ways to load the same package into DuckDB, each as its own documentation would have it, keyed by accession.

None of them counts lines, sets bad ones apart, keeps history, folds the taxonomy, or proves anything.
"""
