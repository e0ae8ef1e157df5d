"""The run ledger, and the details of a run."""
