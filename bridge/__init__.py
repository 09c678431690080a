"""Kafka's side: the consumer with its lanes, the relay that publishes the outbox, the dead letters, and the audit."""
