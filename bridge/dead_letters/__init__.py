"""`python -m bridge dead-letters`: what failed is looked at, replayed or discarded; what the index or the topic lost
comes back from the other."""
