"""Understanding what a model answered."""
