"""Sequences: read from a package's FASTA files, stored as Parquet files beside the warehouse, written as FASTA."""
