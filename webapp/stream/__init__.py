"""The live stream of one user: what happened, in order, without gaps or repeats."""
