"""The baselines of the ratio: a worker of Celery alone, with and without the project's transport and consumer."""

import sys

import pytest

import bench
from bench.sides import CeleryAlone, bare_worker
from bench.stack import RunningStack
from contracts.settings import Settings
from tests.eventually import eventually


@pytest.fixture(autouse=True)
def environment(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let bench.bare, which reads its settings when it is imported, use the servers of this test."""
    monkeypatch.delitem(sys.modules, "bench.bare", raising=False)
    monkeypatch.delattr(bench, "bare", raising=False)
    for name in ("database_url", "redis_url", "redis_sse_prefix", "kafka_bootstrap_servers"):
        monkeypatch.setenv(name.upper(), getattr(settings, name))


@pytest.mark.parametrize("kind", ["plain", "tuned"])
def test_the_chains_of_a_round_wait_for_the_release_and_end(settings: Settings, kind: str) -> None:
    stack = RunningStack(None, settings.database_url, settings.redis_url, None, {"redis": []})
    with bare_worker(kind, 2) as worker:
        side = CeleryAlone(kind, kind, settings, stack, worker)
        side.hold(3)
        assert side.ended() == 0
        side.release()
        eventually(lambda: side.ended() == 3)
