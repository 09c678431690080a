"""Kafka's side: the consumer with its lanes, the relay from the outbox, and the dead letters."""
