"""Asking a model server: one that speaks OpenAI's API."""
