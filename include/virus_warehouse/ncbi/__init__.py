"""Getting virus genome data packages from NCBI Datasets.

In the order of a run: what to ask for (`request`), how to fetch it over HTTP (`client`), how to prove that
what came is whole (`package`), and what can go wrong (`errors`).
"""
