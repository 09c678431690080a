"""Publishes the outbox to Kafka, and re-emits thoughts whose records Kafka or a bridge has lost."""
