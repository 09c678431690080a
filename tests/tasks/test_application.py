"""What Celery is told at start, and what a person is told who started it wrongly."""

import subprocess
import sys
from collections.abc import Sequence
from zoneinfo import ZoneInfo

import pytest
import redis
from celery import Celery
from celery.app.trace import build_tracer
from celery.schedules import crontab

from agents.catalogue import CATALOGUE
from contracts.queues import SOLO_QUEUE, THOUGHTS_QUEUE
from contracts.settings import Settings, SettingsError
from tasks.application import create_app
from tests.stores import ROOT
from tests.tasks.worker_processes import environment, waiting

WORKER = ("celery", "-A", "tasks", "worker")
NIGHTLY = {"kafka_mode": False}


@pytest.fixture
def app(settings: Settings) -> Celery:
    return create_app(settings)


def started(settings: Settings, command: Sequence[str], **others: str) -> "subprocess.CompletedProcess[str]":
    """A process that is expected to end by itself. An empty setting counts as not set."""
    told = environment(settings, **others)
    arguments = [sys.executable, "-m", *command]
    return subprocess.run(arguments, cwd=ROOT, env=told, capture_output=True, text=True, timeout=60, check=False)


def test_the_registered_names_are_the_five_steps(app: Celery) -> None:
    ours = {name for name in app.tasks if not name.startswith("celery.")}
    assert ours == {f"tasks.{step}" for step in CATALOGUE.names}


def test_what_the_row_counts_celery_does_not_count(app: Celery) -> None:
    assert [app.tasks[f"tasks.{step}"].max_retries for step in CATALOGUE.names] == [None] * 5


def test_two_applications_of_one_process_share_no_task(app: Celery, settings: Settings) -> None:
    other = create_app(settings)
    assert [app.tasks[f"tasks.{step}"] is other.tasks[f"tasks.{step}"] for step in CATALOGUE.names] == [False] * 5
    assert not set(Celery("somebody else's").tasks) & {f"tasks.{step}" for step in CATALOGUE.names}


@pytest.mark.parametrize("thought_id", ["01a2093f-3f5c-754d-984f-b60af69db1d7", "no id at all"])
def test_a_message_about_nothing_ends_its_chain_and_does_not_run_for_ever_in_flower(
    app: Celery, redis_client: redis.Redis, thought_id: str
) -> None:
    task = app.tasks["tasks.classification"]
    chain = [app.tasks["tasks.analysis"].si(thought_id, 1)]
    done = build_tracer(task.name, task, app=app)("an id", (thought_id, 1), {}, {"chain": chain})
    assert done.info is None
    assert waiting(redis_client) == 0


@pytest.mark.parametrize("command", [(), ("--queues", "solo,thoughts", "-c", "1"), ("--queues", "solo", "-c", "2")])
def test_what_kills_its_worker_is_given_no_company(settings: Settings, command: tuple[str, ...]) -> None:
    ended = started(settings, [*WORKER, *command])
    assert ended.returncode != 0
    assert "A worker takes from one queue: --queues thoughts, or --queues solo --concurrency 1." in ended.stderr
    assert "Traceback" not in ended.stdout + ended.stderr


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("task_acks_late", True),
        ("task_acks_on_failure_or_timeout", True),
        ("worker_prefetch_multiplier", 1),
        ("worker_pool", "threads"),
        ("worker_enable_prefetch_count_reduction", False),
        ("worker_send_task_events", True),
        ("task_ignore_result", True),
        ("task_serializer", "json"),
        ("accept_content", ["json"]),
        ("task_create_missing_queues", False),
        ("broker_connection_retry_on_startup", True),
        ("broker_connection_max_retries", None),
        ("result_backend", None),
    ],
)
def test_celery_is_set_as_the_protocol_needs_it(app: Celery, name: str, value: object) -> None:
    assert app.conf[name] == value


def test_a_message_is_not_given_to_another_worker_during_the_longest_call_or_wait(
    app: Celery, settings: Settings
) -> None:
    options = app.conf.broker_transport_options
    assert options["visibility_timeout"] > settings.agent_timeout_seconds + 60 + 60
    assert 0 < options["socket_connect_timeout"] <= options["socket_timeout"] <= 30
    assert options["socket_keepalive"]


def test_both_queues_are_known_and_nothing_is_connected(app: Celery) -> None:
    assert sorted(app.amqp.queues) == sorted([SOLO_QUEUE, THOUGHTS_QUEUE])
    assert app.pool._dirty == set()


def test_nothing_is_scheduled_where_kafka_rings(app: Celery) -> None:
    assert app.conf.beat_schedule == {}


@pytest.mark.parametrize("overrides", [NIGHTLY | {"batch_schedule": "30 4 * * 1-5", "timezone": "Europe/Berlin"}])
def test_the_nightly_batch_is_scheduled_in_its_time_zone(app: Celery) -> None:
    (entry,) = app.conf.beat_schedule.values()
    assert entry["schedule"] == crontab(minute="30", hour="4", day_of_week="1-5")
    assert app.timezone == ZoneInfo("Europe/Berlin")


@pytest.mark.parametrize("schedule", ["99 2 * * *", "a b c d e", "*/0 * * * *", "1- 2 * * *"])
def test_a_schedule_that_is_none_is_refused_by_its_name(settings: Settings, schedule: str) -> None:
    with pytest.raises(SettingsError, match="BATCH_SCHEDULE"):
        create_app(settings.model_copy(update={"batch_schedule": schedule}))


@pytest.mark.parametrize(
    ("wrong", "line"),
    [
        ({"DATABASE_URL": ""}, "Cannot start. DATABASE_URL: missing"),
        ({"BATCH_SCHEDULE": "99 2 * * *"}, "Cannot start. BATCH_SCHEDULE: "),
        ({"AI_PROVIDER": "scripted", "ALLOW_SCRIPTED": "false"}, "Cannot start. AI_PROVIDER=scripted "),
    ],
)
def test_a_worker_with_a_wrong_setting_ends_with_one_clear_line(
    settings: Settings, wrong: dict[str, str], line: str
) -> None:
    ended = started(settings, WORKER, **wrong)
    assert ended.returncode != 0
    assert ended.stderr.startswith(line)
    assert ended.stderr.count("\n") == 1
    assert "Traceback" not in ended.stdout + ended.stderr
