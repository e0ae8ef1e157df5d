"""The formats of an export, a module each."""
