"""Runs the steps one after the other; a failed step does not keep the next ones from running."""

from collections.abc import Iterator, Sequence
from typing import Final

import redis
from confluent_kafka import KafkaException
from sqlalchemy.exc import SQLAlchemyError

from bridge.kafka.trouble import client_trouble
from contracts.database import database_trouble
from contracts.refusals import redis_trouble
from validation.outcome import Outcome, StepFailedError
from validation.site import Site
from validation.steps.catalogue import Step
from validation.steps.redis_server import cure_of

KAFKA_CURE: Final = "start the broker and read its log; compare KAFKA_BOOTSTRAP_SERVERS with the address it listens on"
POSTGRES_CURE: Final = "start PostgreSQL and read its log; compare DATABASE_URL with the address it listens on"
WEB_CURE: Final = "start the web and read its log; compare --base-url with the address it listens on"
UNEXPECTED_CURE: Final = "an error that the validation does not know: read the logs of the processes"


def run_steps(site: Site, steps: Sequence[Step]) -> Iterator[Outcome]:
    """Yield the outcome of each step as soon as it is known."""
    for number, step in enumerate(steps, 1):
        yield _run(site, step, number)


def _run(site: Site, step: Step, number: int) -> Outcome:
    try:
        return Outcome(number, step.name, step.check(site))
    except Exception as error:  # noqa: BLE001  the boundary of a step: the next steps must run whatever happened
        failure = explain(site, error)
        return Outcome(number, step.name, failure.seen, failure.cure)


def explain(site: Site, error: Exception) -> StepFailedError:
    """Return what an error means and what to do."""
    settings = site.settings
    match error:
        case StepFailedError():
            return error
        case KafkaException():
            trouble = client_trouble(error.args[0])
            return StepFailedError(
                f"{trouble.state} ({settings.kafka_bootstrap_servers}): {trouble.detail}", KAFKA_CURE
            )
        case redis.RedisError():
            return StepFailedError(f"{redis_trouble(error).state}: {error}", cure_of(error))
        case SQLAlchemyError():
            trouble = database_trouble(error)
            return StepFailedError(f"{trouble.state}: {trouble.detail}", POSTGRES_CURE)
        case OSError():
            return StepFailedError(f"{site.web.base_url} does not answer: {error}", WEB_CURE)
        case _:
            return StepFailedError(f"{type(error).__name__}: {error}", UNEXPECTED_CURE)
