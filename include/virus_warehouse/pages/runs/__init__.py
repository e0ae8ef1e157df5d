"""The run ledger, and the story of a run."""
