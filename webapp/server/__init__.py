"""Between gunicorn and Flask: deadlines and limits of connections, early errors, and the end of a process."""
