"""What is wrong with an installation: checks that change nothing but the count of requests to NCBI, each with a verdict and a way out."""
