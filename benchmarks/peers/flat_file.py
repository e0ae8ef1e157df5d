"""Shared by the queries on a flat file. It has the current records, but no history, taxonomy or runs."""

PARQUET = "virus_genome.parquet"
"""File name in the scratch folder of a case."""

ONE_RECORD = "PX257961"
NEWEST = 100
SHARES = ("with_collection_day", "with_country", "with_host", "with_biosample")
