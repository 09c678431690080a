"""Finds, sets up and starts PostgreSQL, Redis and Apache Kafka."""
