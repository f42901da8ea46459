"""What the built-in model is made of: weights, network, words, head."""
