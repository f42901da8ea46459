"""Where on Earth a point is: town, state and country, looked up on this machine."""
