"""SQL of the pages' users, run on the published snapshot in a sandboxed process."""
