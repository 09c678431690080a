"""Wraps Kafka's client for every part of the bridge: configuration, retries, topics, offsets, reading a topic."""
