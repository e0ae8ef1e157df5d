"""The custom operator."""
