"""The schema's history, by Alembic: `python -m alembic upgrade head`."""
