"""The check whether Kafka is reachable."""

import socket
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

from contracts.settings import Settings
from tests.webapp.conftest import MakeApp
from tests.webapp.health_checks import get_health


@contextmanager
def unresponsive_server() -> Iterator[str]:
    """Provide an address that answers no connection attempt, because its backlog is full."""
    with socket.socket() as server, ExitStack() as attempts:
        server.bind(("127.0.0.1", 0))
        server.listen(0)
        for _ in range(3):
            client = attempts.enter_context(socket.socket())
            client.setblocking(False)
            client.connect_ex(server.getsockname())
        yield f"127.0.0.1:{server.getsockname()[1]}"


def test_the_probe_reaches_a_broker_that_is_listed_after_two_unresponsive_ones(
    make_app: MakeApp, settings: Settings
) -> None:
    with unresponsive_server() as first, unresponsive_server() as second:
        servers = f"{first},{second},{settings.kafka_bootstrap_servers}"
        _, body, oks = get_health(make_app(kafka_bootstrap_servers=servers))
    assert oks["kafka"], body
