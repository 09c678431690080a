"""Runs PostgreSQL, Redis, Apache Kafka and the system's own processes on one machine, without Docker.

`python -m devstack up` starts everything under a process manager (circus) and `down` stops it. All state is in one
directory, so stacks with different directories and port bases are independent. Every server listens on the loopback
address only.
"""
