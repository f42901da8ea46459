"""The use cases, and what every run shares."""
