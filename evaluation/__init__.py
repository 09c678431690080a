"""Scores a provider on labelled notes: pure functions for the scores, and a runner that calls the agents."""
