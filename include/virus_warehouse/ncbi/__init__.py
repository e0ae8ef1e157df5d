"""Getting virus genome data packages from NCBI Datasets.

In the order of a run: the request (`request`), the download (`client`), the verification (`package`), and what can go
wrong (`errors`).
"""
