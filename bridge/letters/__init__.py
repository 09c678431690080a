"""`python -m bridge dead-letters`: what failed is looked at, replayed, discarded, or restored from its topic."""
