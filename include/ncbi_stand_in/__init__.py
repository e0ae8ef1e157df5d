"""A local NCBI Datasets server for virus genomes: made-up records behind the real interface."""
