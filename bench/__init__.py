"""Measurements. Each command starts what it measures, runs its sides in turn, and prints figures with their spread."""
