"""Limits how often an address, a user or all together may do something, with Flask-Limiter and Redis."""
