"""Celery's side: five tasks, one a step, and the protocol by which a step is called once and saved once."""
