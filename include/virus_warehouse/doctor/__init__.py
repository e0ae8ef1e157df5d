"""What is wrong with an installation: checks that change nothing, each with a verdict and a way out."""
