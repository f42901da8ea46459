"""Learning a person's tags of what the built-in model sees: examples -> lessons -> words for new photos."""
