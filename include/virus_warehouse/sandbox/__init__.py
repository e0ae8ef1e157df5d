"""Queries in processes of their own that can only read a snapshot."""
