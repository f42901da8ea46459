"""The large built-in model: one file that is fetched when it is asked for, and what is made of it."""
