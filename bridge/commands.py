"""What the processes of `python -m bridge` and the making of topics do; the numbers returned are exit statuses."""

from argparse import Namespace

from confluent_kafka import KafkaException

from contracts.settings import Settings


def consume(settings: Settings, _: Namespace) -> int:
    """Be a bridge until SIGTERM."""
    from bridge.consumer.loop import run  # only this command needs Celery and the lanes

    if settings.consumes_kafka:
        check_kafka(settings)
    run(settings)
    return 0


def relay(settings: Settings, _: Namespace) -> int:
    """Be a relay until SIGTERM."""
    from bridge.relay.relay import run

    if settings.kafka_enabled:
        check_kafka(settings)
    run(settings)
    return 0


def topics(settings: Settings, _: Namespace) -> int:
    """Make the topics."""
    from bridge.kafka.topics import create_topics

    check_kafka(settings)
    try:
        create_topics(settings)
    except KafkaException as refused:
        raise SystemExit(f"The topics were not made: {refused.args[0].str()}. Is Kafka up?") from None
    return 0


def audit(settings: Settings, chosen: Namespace) -> int:
    """Say whether everything adds up."""
    from bridge.audit import command

    if settings.kafka_enabled:
        check_kafka(settings)
    return command.audit(settings, chosen)


def check_kafka(settings: Settings) -> None:
    """End the command with one line when no client can be made of the settings."""
    from bridge.kafka.config import check_config

    try:
        check_config(settings)
    except ValueError as unusable:
        raise SystemExit(f"Cannot start. {unusable}") from None
