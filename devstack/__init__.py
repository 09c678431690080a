"""Real PostgreSQL, Redis and Apache Kafka, and the system's own processes, on one machine without Docker.

`python -m devstack up` starts it all under a process manager (circus) and `down` ends it; state is kept in one
directory, so that stacks with different directories and port bases never touch each other. Everything listens on the
loopback address only.
"""
