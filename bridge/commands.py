"""What each command of `python -m bridge` does; the numbers returned are exit statuses."""

import json
import sys
from argparse import Namespace
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from confluent_kafka import KafkaException
from sqlalchemy.exc import SQLAlchemyError

from bridge.dead_letters import dead_letters, replay
from contracts.database import Database, make_engine
from contracts.settings import Settings


def consume(settings: Settings, _: Namespace) -> int:
    """Be a bridge until SIGTERM."""
    from bridge.run import run  # only this command needs Celery and the lanes

    if settings.takes_from_kafka:
        _check_kafka(settings)
    run(settings)
    return 0


def relay(settings: Settings, _: Namespace) -> int:
    """Be a relay until SIGTERM."""
    from bridge.relay import run

    if settings.kafka_enabled:
        _check_kafka(settings)
    run(settings)
    return 0


def topics(settings: Settings, _: Namespace) -> int:
    """Make the topics."""
    from bridge.topics import create_topics

    _check_kafka(settings)
    try:
        create_topics(settings)
    except KafkaException as refused:
        raise SystemExit(f"The topics were not made: {refused.args[0].str()}. Is Kafka up?") from None
    return 0


def audit(settings: Settings, chosen: Namespace) -> int:
    """Say whether everything adds up."""
    from bridge.audit import command

    if settings.kafka_enabled:
        _check_kafka(settings)
    return command.audit(settings, chosen)


def list_dead_letters(settings: Settings, chosen: Namespace) -> int:
    """Write them to standard output."""
    with _database(settings) as database:
        found = dead_letters(database, every=chosen.all)
    lines = [one.line() for one in found] or ["No dead letters."]
    _write([json.dumps([one.to_json() for one in found])] if chosen.json else lines)
    return 0


def replay_dead_letters(settings: Settings, chosen: Namespace) -> int:
    """Say of each what happened; 1 when one of them was not replayed, now or before."""
    with _database(settings) as database:
        found = replay(database, settings, chosen.ids)
    _write(one.line() for one in found)
    return 0 if all(one.is_back for one in found) else 1


@contextmanager
def _database(settings: Settings) -> Iterator[Database]:
    engine = make_engine(settings.database_url, "bridge command")
    try:
        yield Database(engine)
    except SQLAlchemyError as away:
        raise SystemExit(f"PostgreSQL did not answer: {str(getattr(away, 'orig', away)).splitlines()[0]}") from None
    finally:
        engine.dispose()


def _check_kafka(settings: Settings) -> None:
    from bridge.kafka import check_config

    try:
        check_config(settings)
    except ValueError as unusable:
        raise SystemExit(f"Cannot start. {unusable}") from None


def _write(lines: Iterable[str]) -> None:
    for line in lines:
        sys.stdout.write(f"{line}\n")
