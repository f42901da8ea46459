"""Photos on the disk, and what a model sees of them."""
