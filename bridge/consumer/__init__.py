"""The consumer: reads the work topic, asks PostgreSQL what to do, and sends chains of tasks to Celery."""
