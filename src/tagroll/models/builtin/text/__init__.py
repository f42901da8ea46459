"""Reads text in photos."""
