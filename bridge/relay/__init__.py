"""The relay: publishes the outbox to Kafka, and emits thoughts again that Kafka or a bridge has lost."""
