"""What a load, a delta and a publication cost, beside the machine's floor and other ways to load the same bytes."""
