"""What the ways to ask a flat file have in common. It holds the present records: no past, no taxonomy, no run."""

PARQUET = "virus_genome.parquet"
"""Name of the file in the scratch folder of a case."""

ONE_RECORD = "PX257961"
NEWEST = 100
SHARES = ("with_collection_day", "with_country", "with_host", "with_biosample")
