"""NCBI's limit on requests: which process may send the next one, and when, among all that share the limit."""
