"""Defines the commands of `python -m bridge`, and thereby what runs together in each of its processes.

A command imports the modules that only it needs, so that the others start sooner and with less memory.
"""

import signal
from typing import TYPE_CHECKING

import click
from confluent_kafka import KafkaException

from bridge.dead_letters.cli import dead_letters
from bridge.kafka.config import require_usable_config
from contracts.cli import with_settings
from contracts.database import Database, make_engine
from contracts.settings import Settings
from contracts.signals import stop_on

if TYPE_CHECKING:
    from bridge.consumer.source import Source


@click.group(invoke_without_command=True)
@click.pass_context
def bridge(context: click.Context) -> None:
    """Kafka's side of the system. Without a command, run the consumer."""
    if context.invoked_subcommand is None:
        context.invoke(run)


@bridge.command()
@with_settings
def run(settings: Settings) -> None:
    """Consume the work topic and dispatch chains of tasks.

    Runs until SIGTERM or SIGINT.
    """
    from bridge.consumer.committer import LogReplacedError
    from bridge.consumer.loop import Bridge

    if settings.consumes_kafka:
        require_usable_config(settings)
    database = Database(make_engine(settings.database_url, "bridge", index_plans_only=True))
    with stop_on(signal.SIGTERM, signal.SIGINT) as stop:
        try:
            Bridge(settings, database, _source(settings, database)).run(stop)
        except LogReplacedError as error:
            raise SystemExit(f"ALARM: {error}. The bridge must be restarted.") from None
        except KafkaException as error:
            raise SystemExit(f"Kafka's client failed, the bridge must be restarted: {error}") from None


@bridge.command()
@with_settings
def relay(settings: Settings) -> None:
    """Publish the outbox to Kafka.

    Runs until SIGTERM or SIGINT, and audits in the background.
    """
    from bridge.audit.background import background_audit
    from bridge.relay.relay import Relay, wait_without_kafka

    if settings.kafka_enabled:
        require_usable_config(settings)
    engine = make_engine(settings.database_url, "relay", index_plans_only=True)
    with stop_on(signal.SIGTERM, signal.SIGINT) as stop, background_audit(settings, stop):
        if settings.kafka_enabled:
            Relay(settings, engine, stop).run()
        else:
            wait_without_kafka(settings, stop)
    engine.dispose()


@bridge.command()
@with_settings
def create_topics(settings: Settings) -> None:
    """Create the three topics, unless they exist."""
    from bridge.kafka import topics

    require_usable_config(settings)
    try:
        topics.create_topics(settings)
    except KafkaException as error:
        raise SystemExit(f"The topics were not created: {error.args[0].str()}. Is Kafka running?") from None


@bridge.command()
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@with_settings
def audit(settings: Settings, *, as_json: bool) -> int:
    """Check that nothing was lost, reordered or done twice.

    Compares records, commits, saved steps, outbox rows and dead letters.

    Exit status: 0 consistent, 1 inconsistent, 3 PostgreSQL or Kafka unavailable.
    """
    from bridge.audit.command import audit

    if settings.kafka_enabled:
        require_usable_config(settings)
    return audit(settings, as_json=as_json)


bridge.add_command(dead_letters)


def _source(settings: Settings, database: Database) -> "Source":
    """Return the source of the current mode: Kafka's partitions, or the rows of `batches`."""
    from bridge.consumer.batch_source import BatchSource
    from bridge.consumer.kafka_source import KafkaSource

    return KafkaSource(settings) if settings.consumes_kafka else BatchSource(settings, database)
