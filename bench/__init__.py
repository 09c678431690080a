"""Measurements. Each command starts what it measures, runs both sides in turn, and prints the spread."""
