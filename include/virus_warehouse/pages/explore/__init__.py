"""Plots of the published snapshot."""
