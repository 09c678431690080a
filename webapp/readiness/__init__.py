"""Finds out, in the background, whether each dependency does what is needed of it and each kind of process runs."""
