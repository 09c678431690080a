"""Benchmarks. Each command starts its own stack, runs its sides in turn, and prints figures with their spread."""
