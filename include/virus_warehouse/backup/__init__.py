"""Back-ups: copies of the data folder, each whole by itself, and the way back."""
