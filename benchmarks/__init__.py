"""Costs of a load, a delta and a publication, compared with the machine's floor and with other loaders."""
