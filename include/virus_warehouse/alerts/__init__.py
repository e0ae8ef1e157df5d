"""Alerts: people are informed when an alarm begins, and when it has ended."""
