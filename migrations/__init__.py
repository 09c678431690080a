"""Contains the schema's migrations for Alembic: `python -m alembic upgrade head`."""
