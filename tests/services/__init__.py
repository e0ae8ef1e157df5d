"""Tests that click, in one package: what they share ends with the last of them."""
