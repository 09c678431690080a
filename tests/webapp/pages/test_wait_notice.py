"""The notice of what must happen before the analysis of a thought starts."""

from datetime import UTC, datetime
from typing import Any

import pytest

from bridge.consumer.batch_source import BEGIN
from contracts.database import Database
from contracts.settings import Settings, load_settings
from tasks.batches import Batches
from tests.eventually import eventually
from tests.webapp.conftest import MakeApp
from tests.webapp.fake_worker import FakeWorker
from tests.webapp.http_client import submit
from tests.webapp.pages.refresh import SLOW_REFRESH
from tests.webapp.reported_processes import ALL_KINDS, reported
from webapp.pages.wait_notice import next_batch_time


@pytest.mark.parametrize(
    ("schedule", "expected"),
    [
        ("30 2 * * *", "on 28 March at 03:30 (Europe/Berlin)"),  # in the hour that daylight saving time skips
        ("0 2 * * mon-fri", "on 29 March at 02:00 (Europe/Berlin)"),
        ("0 0 13 * fri", "on 13 August at 00:00 (Europe/Berlin)"),  # both must match, as in beat; cron accepts either
    ],
)
def test_the_time_of_the_next_batch_is_calculated_as_beat_does(schedule: str, expected: str) -> None:
    required = {"database_url": "postgresql://x/x", "redis_url": "redis://x", "kafka_enabled": False}
    settings = load_settings(_env_file=None, **required, batch_schedule=schedule, timezone="Europe/Berlin")
    assert next_batch_time(settings, datetime(2027, 3, 28, 0, 30, tzinfo=UTC)) == expected


@pytest.mark.usefixtures("_system_runs")
@pytest.mark.parametrize("changes", [{"kafka_enabled": False}, {"kafka_mode": False}], ids=["no Kafka", "batch mode"])
def test_in_batch_mode_the_pages_announce_the_batch_until_the_thought_is_dispatched(
    make_app: MakeApp, worker: FakeWorker, database: Database, changes: dict[str, Any]
) -> None:
    client = make_app(**changes, batch_schedule="30 4 24 12 *", timezone="Europe/Berlin").test_client()
    next_batch = "The next batch starts on 24 December at 04:30 (Europe/Berlin)."
    assert "one after the other, in batches, and" in client.get("/").text
    thought = submit(client, "a thought")
    for path in ("/", f"/t/{thought}", f"/t/{thought}?fragment=1"):
        page = client.get(path).text
        assert "Queued" in page
        assert next_batch in page
    assert SLOW_REFRESH in client.get(f"/t/{thought}").text, "the thought waits for hours"
    Batches(database).request()
    database.rows(BEGIN)
    late_thought = submit(client, "too late for this batch")
    for path in ("/", f"/t/{thought}"):
        assert "The batch is running." in client.get(path).text
    assert next_batch in client.get(f"/t/{late_thought}").text
    worker.dispatch(thought)
    assert " batch" not in client.get(f"/t/{thought}").text


@pytest.mark.usefixtures("_system_runs")
def test_while_kafka_is_unavailable_the_pages_say_that_the_analysis_waits_for_it(
    make_app: MakeApp, worker: FakeWorker
) -> None:
    client = make_app(kafka_bootstrap_servers="127.0.0.1:9").test_client()
    thought = submit(client, "a thought")
    for path in ("/", f"/t/{thought}"):
        assert "Kafka is unavailable; the analysis starts when it is back." in client.get(path).text
    assert SLOW_REFRESH in client.get(f"/t/{thought}").text
    worker.dispatch(thought)
    assert "Kafka" not in client.get(f"/t/{thought}").text


def test_the_pages_say_which_process_does_not_run_until_it_does(
    make_app: MakeApp, worker: FakeWorker, settings: Settings
) -> None:
    client = make_app().test_client()
    thought = submit(client, "a thought")
    for path in ("/", f"/t/{thought}", f"/t/{thought}?fragment=1"):
        text = "No relay, bridge or worker is running; the analysis starts when they are back."
        assert text in client.get(path).text
    worker.dispatch(thought)
    interrupted = "No worker is running; the analysis continues when one is back."
    assert interrupted in client.get(f"/t/{thought}").text
    with reported(settings, *ALL_KINDS):
        eventually(lambda: "is running; the analysis" not in client.get(f"/t/{thought}").text, timeout=20)
    eventually(lambda: interrupted in client.get(f"/t/{thought}").text, timeout=20)
