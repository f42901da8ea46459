"""Driving exiftool, a separate program: processes that stay open, and what they answer."""
