"""Consumes the work topic: asks PostgreSQL what to do about each record, and sends chains of tasks to Celery."""
