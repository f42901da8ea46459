"""Models that are fetched when they are asked for, verified, and kept in the user's data folder."""
