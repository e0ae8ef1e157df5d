"""Tests with running services, in one package: their shared fixtures end with the last test."""
