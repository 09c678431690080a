"""Defines the commands of `python -m bridge`, and thereby what runs together in each of its processes.

A command imports the modules that only it needs, so that the others start sooner and with less memory.
"""

import signal
import threading
from typing import TYPE_CHECKING

import click
from confluent_kafka import KafkaException
from redis.exceptions import RedisError

from bridge.console import command_database
from bridge.dead_letters.cli import dead_letters
from bridge.kafka.config import require_usable_config
from contracts.cli import with_settings
from contracts.database import Database, make_engine
from contracts.database_check import require_usable_database
from contracts.heartbeat import touch_heartbeat
from contracts.installation import (
    InstallationWatch,
    check_or_exit,
    read_installation_id,
    take_over_redis,
    wait_for_installation_id,
)
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
    from bridge.consumer.group_watch import SharedGroupError
    from bridge.consumer.loop import Bridge, RedisPorts

    if settings.consumes_kafka:
        require_usable_config(settings)
    require_usable_database(settings.database_url)
    database = Database(make_engine(settings.database_url, "bridge", index_plans_only=True))
    watch = InstallationWatch(settings, database)
    with stop_on(signal.SIGTERM, signal.SIGINT) as stop:
        check_or_exit(watch)
        watch.start()
        if (installation_id := _installation_id(settings, database, stop)) is None:
            return
        try:
            source = _source(settings, database, installation_id)
            Bridge(settings, database, source, redis_ports=RedisPorts.of(settings, installation_id)).run(stop)
        except SharedGroupError as error:
            raise SystemExit(f"Cannot start. {error}.") from None
        except LogReplacedError as error:
            raise SystemExit(f"ALARM: {error}. The bridge must be restarted.") from None
        except KafkaException as error:
            raise SystemExit(f"Kafka's client failed, the bridge must be restarted: {error}") from None


@bridge.command()
@with_settings
def relay(settings: Settings) -> None:
    """Publish the outbox to Kafka.

    Runs until SIGTERM or SIGINT; audits and sends webhooks in the background.
    """
    from bridge.audit.background import background_audit
    from bridge.relay.relay import Relay, wait_without_kafka
    from bridge.webhooks.sender import background_webhooks

    if settings.kafka_enabled:
        require_usable_config(settings)
    require_usable_database(settings.database_url)
    engine = make_engine(settings.database_url, "relay", index_plans_only=True)
    with (
        stop_on(signal.SIGTERM, signal.SIGINT) as stop,
        background_audit(settings, stop),
        background_webhooks(settings, stop),
    ):
        if not settings.kafka_enabled:
            wait_without_kafka(settings, stop)
        elif (installation_id := _installation_id(settings, Database(engine), stop)) is not None:
            Relay(settings, engine, stop, installation_id).run()
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


@bridge.command()
@with_settings
def check_names(settings: Settings) -> None:
    """Check that no other installation uses this one's names in Redis and its consumer group in Kafka.

    Claims the names in Redis if no installation has. Every process checks the same when it starts.
    """
    from bridge.consumer.group_watch import SharedGroupError, check_group

    with command_database(settings) as database:
        check_or_exit(InstallationWatch(settings, database))
        if settings.consumes_kafka:
            require_usable_config(settings)
            try:
                check_group(settings, read_installation_id(database))
            except SharedGroupError as error:
                raise SystemExit(f"Cannot start. {error}.") from None


@bridge.command()
@with_settings
def take_over(settings: Settings) -> None:
    """Give the names in Redis to the installation of this database.

    For a database that replaces another one, such as a new one after the old one was lost. Processes of the other
    installation that still run stop within seconds.
    """
    with command_database(settings) as database:
        installation_id = read_installation_id(database)
        try:
            take_over_redis(settings, installation_id)
        except RedisError as error:
            raise SystemExit(f"Redis is unavailable: {error}") from None
    click.echo(f"The prefix {settings.redis_prefix} now belongs to the installation {installation_id}.")


bridge.add_command(dead_letters)


def _source(settings: Settings, database: Database, installation_id: str) -> "Source":
    """Return the source of the current mode: Kafka's partitions, or the rows of `batches`."""
    from bridge.consumer.batch_source import BatchSource
    from bridge.consumer.kafka_source import KafkaSource

    return KafkaSource(settings, installation_id) if settings.consumes_kafka else BatchSource(settings, database)


def _installation_id(settings: Settings, database: Database, stop: threading.Event) -> str | None:
    """Return the id of this installation as soon as PostgreSQL answers; None when `stop` is set before."""
    return wait_for_installation_id(database, stop, lambda: touch_heartbeat(settings.heartbeat_file))
