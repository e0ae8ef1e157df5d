"""What is wrong with an installation: checks, each with a verdict and a way out.

They change nothing, but that their requests to NCBI are counted.
"""
