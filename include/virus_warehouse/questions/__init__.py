"""Saved questions: queries that are asked again at every publication, and whose changes people are informed of."""
