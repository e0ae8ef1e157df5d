"""SQL of people who use the pages, on the published snapshot, in a process that can do nothing else."""
