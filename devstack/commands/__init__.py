"""What each command of `python -m devstack` does."""
