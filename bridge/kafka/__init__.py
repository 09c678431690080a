"""Kafka's client, as every part of the bridge uses it: configuration, retries, topics, offsets, reading a topic."""
