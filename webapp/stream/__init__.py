"""The live stream of one user: every event in order, without gaps or duplicates."""
