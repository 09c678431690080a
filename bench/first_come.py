"""The bridge and the worker without the two rules for a backlog, for comparison: steps are served first come, first
served, and as many thoughts are in flight as fit into the window.

`python -m bench.first_come` runs the bridge, and `celery -A bench.first_come:app worker` the worker.
"""

import signal

from bridge.consumer import loop
from bridge.consumer.kafka_source import KafkaSource
from bridge.consumer.window import Window
from contracts import queues
from contracts.database import Database, make_engine
from contracts.settings import load_settings_or_exit
from contracts.signals import stop_on

setattr(queues, "PRIORITIES", 1)  # noqa: B010  one list per queue: the constant is final for everybody else

from tasks.application import create_app  # noqa: E402  reads the number of priorities

settings = load_settings_or_exit()
app = create_app(settings)


class Windows:
    """Stands in for the slots of the workers: only the window of each lane limits the thoughts in flight."""

    def start(self) -> None:
        """Do nothing."""

    def stop(self) -> None:
        """Do nothing."""

    def limit(self, users: int) -> int:  # noqa: ARG002  an interface
        """Return the users of the windows of all lanes."""
        return Window().users * settings.kafka_partitions

    def note_dispatch(self, *, is_sent: bool) -> None:
        """Do nothing."""


def run_bridge() -> None:
    """Run a bridge until SIGTERM."""
    ports = loop.RedisPorts.of(settings)
    unlimited = loop.RedisPorts(ports.publisher, ports.dispatcher, ports.wakeups, Windows())
    database = Database(make_engine(settings.database_url, "bridge", index_plans_only=True))
    with stop_on(signal.SIGTERM, signal.SIGINT) as stop:
        loop.Bridge(settings, database, KafkaSource(settings), redis_ports=unlimited).run(stop)


if __name__ == "__main__":
    run_bridge()
