"""Checks a running installation in ten steps: `python -m validation`. docs/validation.md explains each line it prints.

It uses the installation as a person, another program and an operator do: it submits thoughts of a new user over
HTTP, watches them in Kafka, Redis, PostgreSQL and the live stream, and deletes them at the end.
"""
