"""Reading it: one module a report, saying which columns are read from it, and how."""
