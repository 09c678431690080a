"""The audit: whether PostgreSQL, Kafka's log and Kafka's offsets tell one story, and which thought does not fit."""
