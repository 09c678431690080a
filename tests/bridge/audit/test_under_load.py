"""Audits of a running system find nothing, although everything changes between two queries."""

import threading
from typing import Any

import pytest

from contracts.database import Database
from contracts.settings import Settings
from tests.bridge.audit.audit_runs import run_audit
from tests.bridge.running_bridges import restarting_bridge
from tests.bridge.running_relays import running_relay
from tests.bridge.thoughts import COUNT_OPEN_THOUGHTS, accept_thoughts, add_user
from tests.bridge.worker_threads import running_workers
from tests.eventually import eventually

pytestmark = pytest.mark.usefixtures("topics")

AUDIT_COUNT = 3


@pytest.fixture
def overrides() -> dict[str, Any]:
    return {"lease_seconds": 4.0, "lease_renew_seconds": 1.0}


def test_audits_under_load_find_nothing(settings: Settings, database: Database) -> None:
    users = [add_user(database) for _ in range(20)]
    stop = threading.Event()

    def keep_writing() -> None:
        while not stop.is_set():
            accept_thoughts(settings, database, users, 1)

    writer = threading.Thread(target=keep_writing)
    with (
        running_workers(settings, database),
        running_relay(settings),
        running_relay(settings),
        restarting_bridge(settings),
    ):
        writer.start()
        try:
            findings = [run_audit(settings, database)["finding_details"] for _ in range(AUDIT_COUNT)]
        finally:
            stop.set()
            writer.join(60)
        eventually(lambda: database.rows(COUNT_OPEN_THOUGHTS)[0][0] == 0, timeout=120)
    assert findings == [[]] * AUDIT_COUNT
    assert run_audit(settings, database)["consistent"]
