"""A model from a GGUF file, run in a child process."""
