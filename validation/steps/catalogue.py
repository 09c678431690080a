"""The ten steps in their order."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from validation.site import Site
from validation.steps.broker import check_broker
from validation.steps.consumer import check_consumer
from validation.steps.end_to_end import check_end_to_end
from validation.steps.health import check_health
from validation.steps.producer import check_producer
from validation.steps.pubsub import check_pubsub
from validation.steps.redis_server import check_redis
from validation.steps.results import check_results
from validation.steps.services import check_services
from validation.steps.topics import check_topics

Check = Callable[[Site], str]


@dataclass(frozen=True, slots=True)
class Step:
    """A name for the output, and the function that returns what it saw or raises StepFailedError."""

    name: str
    check: Check


STEPS: Final = (
    Step("services", check_services),
    Step("broker", check_broker),
    Step("redis", check_redis),
    Step("health", check_health),
    Step("topics", check_topics),
    Step("producer", check_producer),
    Step("consumer", check_consumer),
    Step("pub/sub", check_pubsub),
    Step("results", check_results),
    Step("complete", check_end_to_end),
)
