"""Reports processes as if they ran, as far as the web can see."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from functools import partial

from contracts.presence import Presence, ProcessKind, ProcessReport, process_id
from contracts.progress import connect_redis
from contracts.reporter import Reporter
from contracts.settings import Settings
from tests.eventually import eventually

ALL_KINDS: tuple[ProcessKind, ...] = ("relay", "bridge", "worker", "solo", "beat")


def _same(report: ProcessReport) -> ProcessReport:
    return report


@contextmanager
def reported(settings: Settings, *kinds: ProcessKind) -> Iterator[None]:
    """Report one process of each kind during the block; a worker has 40 slots."""
    with connect_redis(settings.redis_url) as client, ExitStack() as reporters:
        presence = Presence(client, settings.redis_prefix)
        for kind in kinds:
            report = ProcessReport(kind, process_id(), slots=40 if kind == "worker" else 0)
            reporters.enter_context(Reporter(presence, partial(_same, report)))
        eventually(lambda: {*kinds} <= {process.report.kind for process in presence.read()})
        yield
