"""Audits of a system at work: everything moves between two questions, and still nothing is found."""

import threading
from typing import Any

import pytest

from contracts.database import Database
from contracts.settings import Settings
from tests.bridge.audit.audit_runs import audited
from tests.bridge.running_bridges import kept_running
from tests.bridge.running_relays import running_relay
from tests.bridge.thoughts import OPEN, add_user, write
from tests.bridge.worker_threads import workers
from tests.eventually import eventually

pytestmark = pytest.mark.usefixtures("topics")

AUDITS = 3


@pytest.fixture
def overrides() -> dict[str, Any]:
    return {"lease_seconds": 4.0, "lease_renew_seconds": 1.0}


def test_audits_under_load_find_nothing(settings: Settings, database: Database) -> None:
    users = [add_user(database) for _ in range(20)]
    enough = threading.Event()

    def keep_writing() -> None:
        while not enough.is_set():
            write(settings, database, users, 1)

    writer = threading.Thread(target=keep_writing)
    with workers(settings, database), running_relay(settings), running_relay(settings), kept_running(settings):
        writer.start()
        try:
            found = [audited(settings, database)["found"] for _ in range(AUDITS)]
        finally:
            enough.set()
            writer.join(60)
        eventually(lambda: database.rows(OPEN)[0][0] == 0, timeout=120)
    assert found == [[]] * AUDITS
    assert audited(settings, database)["adds_up"]
