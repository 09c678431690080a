"""Implements the commands of `python -m devstack`."""
