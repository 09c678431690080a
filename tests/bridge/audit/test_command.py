"""`python -m bridge audit` prints counts and inconsistencies, and exits with 0 only if there are none."""

import json
import os
import subprocess
import sys
from typing import Any

import pytest

from contracts.database import Database
from contracts.settings import Settings
from tests.bridge.audit.audit_runs import add_completed_line, publish_records
from tests.bridge.kafka_sources import commit_offset, topic_id
from tests.bridge.thoughts import add_thought, add_user
from tests.stores import ROOT

pytestmark = pytest.mark.usefixtures("topics")


@pytest.fixture
def overrides() -> dict[str, Any]:
    return {"kafka_partitions": 1}


def run_audit_command(settings: Settings, *arguments: str, **environment: str) -> "subprocess.CompletedProcess[str]":
    names = ("database_url", "redis_url", "kafka_bootstrap_servers", "kafka_topic", "kafka_dead_letter_topic")
    variables = {name.upper(): str(getattr(settings, name)) for name in (*names, "kafka_consumer_group")}
    command = [sys.executable, "-m", "bridge", "audit", *arguments]
    return subprocess.run(
        command,
        cwd=ROOT,
        env=os.environ | variables | environment,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def test_the_command_exits_with_0_when_everything_is_consistent(settings: Settings, database: Database) -> None:
    add_completed_line(settings, database)
    result = run_audit_command(settings)
    assert (result.returncode, result.stderr) == (0, "")
    rest = "0 in_flight, 0 waiting, 0 unknown, 0 withheld, 0 gaps."
    assert f"3 offsets of the work topic: 3 done, {rest}" in result.stdout
    assert result.stdout.endswith("\nEverything is consistent.\n")
    figures = json.loads(run_audit_command(settings, "--json").stdout)
    assert (figures["consistent"], figures["runs_checked"], figures["finding_details"]) == (True, 15, [])


def test_the_command_prints_an_inconsistency_in_a_line_with_its_thought(settings: Settings, database: Database) -> None:
    thought = add_thought(database, add_user(database))
    publish_records(settings, database, thought)
    commit_offset(settings, 1, topic_id(settings))
    result = run_audit_command(settings)
    assert (result.returncode, result.stderr) == (1, "")
    *_, line, summary = result.stdout.splitlines()
    assert line.startswith(f"frontier: partition 0 offset 0 thought {thought}: ")
    assert summary == "1 inconsistency."
    (finding,) = json.loads(run_audit_command(settings, "--json").stdout)["finding_details"]
    assert finding["subject"] == f"partition 0 offset 0 thought {thought}"


@pytest.mark.parametrize(
    ("environment", "error"),
    [
        ({"DATABASE_URL": "postgresql://nobody@127.0.0.1:9/none"}, "PostgreSQL is unavailable: "),
        ({"KAFKA_BOOTSTRAP_SERVERS": "127.0.0.1:9"}, "Kafka is unavailable, or a topic is missing: "),
        ({"KAFKA_TOPIC": "no-such-topic"}, "Kafka is unavailable, or a topic is missing: "),
    ],
    ids=["no PostgreSQL", "no Kafka", "no topic"],
)
def test_the_command_reports_an_unavailable_store_in_one_line(
    settings: Settings, environment: dict[str, str], error: str
) -> None:
    result = run_audit_command(settings, **environment)
    assert (result.returncode, result.stdout) == (3, "")
    (line,) = [line for line in result.stderr.splitlines() if "librdkafka" not in line]
    assert line.startswith(error)
