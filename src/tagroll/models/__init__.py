"""Models that look at photos: what they are asked, how they are reached, what their answers mean."""
