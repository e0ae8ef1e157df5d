"""NCBI's limit on requests: who may send the next one, and when, whoever shares the limit."""
