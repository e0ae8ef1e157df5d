"""The one custom operator."""
