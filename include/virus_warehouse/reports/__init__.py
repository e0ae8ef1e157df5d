"""The reports: one module per report, with its columns and their origin."""
