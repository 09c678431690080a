"""Says whether an error of Kafka's client is an outage or a refused right."""

from confluent_kafka import KafkaError

from contracts.refusals import Trouble, kafka_trouble


def client_trouble(error: KafkaError) -> Trouble:
    """Return what is wrong with Kafka, for `contracts.trouble_log`."""
    return kafka_trouble(error.code(), f"{error.name()}: {error.str()}")
