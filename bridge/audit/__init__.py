"""Compares PostgreSQL, Kafka's log and Kafka's committed offsets, and names each thought that is inconsistent."""
