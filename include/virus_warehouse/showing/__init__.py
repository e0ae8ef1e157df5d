"""What the pages show, read from the published snapshot and the run files: never from the warehouse file."""
