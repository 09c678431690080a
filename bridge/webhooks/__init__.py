"""Sends events to the webhooks of users: a thread of the relay, which needs no Kafka of its own."""
