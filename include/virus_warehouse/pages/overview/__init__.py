"""Each source at a glance."""
