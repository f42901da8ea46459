"""How good, how steady and how fast models are, on photos that a person has labelled or just on photos."""
