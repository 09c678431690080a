"""The Celery side: one task per step, and the step protocol that pays for each agent call once and saves its result."""
