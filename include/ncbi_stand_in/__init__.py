"""A local NCBI Datasets server for virus genomes: it has the real interface, and made-up records."""
