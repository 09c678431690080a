"""The Celery application: its settings and tasks, and its error messages when it cannot start."""

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
from contracts.settings import Settings
from tasks.application import create_app
from tests.stores import ROOT
from tests.tasks.worker_processes import count_queued, environment

WORKER = ("celery", "-A", "tasks", "worker")
BATCH_MODE = {"kafka_mode": False}


@pytest.fixture
def app(settings: Settings) -> Celery:
    return create_app(settings)


def run_to_exit(settings: Settings, command: Sequence[str], **variables: str) -> "subprocess.CompletedProcess[str]":
    """Run a process that must exit within a minute. An empty variable counts as not set."""
    arguments, env = [sys.executable, "-m", *command], environment(settings, **variables)
    return subprocess.run(arguments, cwd=ROOT, env=env, capture_output=True, text=True, timeout=60, check=False)


def test_the_application_registers_one_task_per_agent(app: Celery) -> None:
    names = {name for name in app.tasks if not name.startswith("celery.")}
    assert names == {f"tasks.{step}" for step in CATALOGUE.names}


def test_celery_limits_no_retries_because_postgresql_counts_the_attempts(app: Celery) -> None:
    assert [app.tasks[f"tasks.{step}"].max_retries for step in CATALOGUE.names] == [None] * 5


def test_two_applications_in_one_process_share_no_task(app: Celery, settings: Settings) -> None:
    other = create_app(settings)
    assert [app.tasks[f"tasks.{step}"] is other.tasks[f"tasks.{step}"] for step in CATALOGUE.names] == [False] * 5
    assert not set(Celery("another application").tasks) & {f"tasks.{step}" for step in CATALOGUE.names}


@pytest.mark.parametrize("thought_id", ["01a2093f-3f5c-754d-984f-b60af69db1d7", "not an id"])
def test_a_message_of_an_unknown_thought_succeeds_without_sending_the_next_step(
    app: Celery, redis_client: redis.Redis, thought_id: str
) -> None:
    task = app.tasks["tasks.classification"]
    chain = [app.tasks["tasks.analysis"].si(thought_id, 1)]
    result = build_tracer(task.name, task, app=app)("task-id", (thought_id, 1), {}, {"chain": chain})
    assert result.info is None
    assert count_queued(redis_client) == 0


@pytest.mark.parametrize("command", [(), ("--queues", "solo,thoughts", "-c", "1"), ("--queues", "solo", "-c", "2")])
def test_a_worker_of_the_solo_queue_refuses_to_run_other_steps_beside_it(
    settings: Settings, command: tuple[str, ...]
) -> None:
    done = run_to_exit(settings, [*WORKER, *command])
    assert done.returncode != 0
    assert "A worker consumes one queue: pass --queues thoughts, or --queues solo --concurrency 1." in done.stderr
    assert "Traceback" not in done.stdout + done.stderr


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
def test_celery_has_the_settings_that_the_protocol_requires(app: Celery, name: str, value: object) -> None:
    assert app.conf[name] == value


def test_the_visibility_timeout_exceeds_the_longest_call_and_the_longest_countdown(
    app: Celery, settings: Settings
) -> None:
    options = app.conf.broker_transport_options
    assert options["visibility_timeout"] > settings.agent_timeout_seconds + 60 + 60
    assert 0 < options["socket_connect_timeout"] <= options["socket_timeout"] <= 30
    assert options["socket_keepalive"]


def test_the_application_knows_both_queues_and_connects_to_nothing(app: Celery) -> None:
    assert sorted(app.amqp.queues) == sorted([SOLO_QUEUE, THOUGHTS_QUEUE])
    assert app.pool._dirty == set()


def test_beat_schedules_nothing_in_kafka_mode(app: Celery) -> None:
    assert app.conf.beat_schedule == {}


@pytest.mark.parametrize("overrides", [BATCH_MODE | {"batch_schedule": "30 4 * * 1-5", "timezone": "Europe/Berlin"}])
def test_beat_schedules_the_nightly_batch_in_the_configured_time_zone(app: Celery) -> None:
    (entry,) = app.conf.beat_schedule.values()
    assert entry["schedule"] == crontab(minute="30", hour="4", day_of_week="1-5")
    assert app.timezone == ZoneInfo("Europe/Berlin")


@pytest.mark.parametrize(
    ("variables", "line"),
    [
        ({"DATABASE_URL": ""}, "Cannot start. DATABASE_URL: missing"),
        ({"BATCH_SCHEDULE": "99 2 * * *"}, "Cannot start. BATCH_SCHEDULE: "),
        ({"AI_PROVIDER": "scripted", "ALLOW_SCRIPTED": "false"}, "Cannot start. AI_PROVIDER=scripted "),
    ],
)
def test_a_worker_with_an_invalid_setting_exits_with_a_one_line_error(
    settings: Settings, variables: dict[str, str], line: str
) -> None:
    done = run_to_exit(settings, WORKER, **variables)
    assert done.returncode != 0
    assert done.stderr.startswith(line)
    assert done.stderr.count("\n") == 1
    assert "Traceback" not in done.stdout + done.stderr
