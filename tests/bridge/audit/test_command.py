"""`python -m bridge audit` says what it counted and found, and its exit status says whether all adds up."""

import json
import os
import subprocess
import sys
from typing import Any

import pytest

from contracts.database import Database
from contracts.settings import Settings
from tests.bridge.audit.audit_runs import completed_line, ring
from tests.bridge.kafka_sources import commit_by_hand, topic_id
from tests.bridge.thoughts import add_thought, add_user
from tests.stores import ROOT

pytestmark = pytest.mark.usefixtures("topics")


@pytest.fixture
def overrides() -> dict[str, Any]:
    return {"kafka_partitions": 1}


def audit(settings: Settings, *arguments: str, **environment: str) -> "subprocess.CompletedProcess[str]":
    names = ("database_url", "redis_url", "kafka_bootstrap_servers", "kafka_topic", "kafka_dead_letter_topic")
    told = {name.upper(): str(getattr(settings, name)) for name in (*names, "kafka_consumer_group")}
    command = [sys.executable, "-m", "bridge", "audit", *arguments]
    return subprocess.run(
        command, cwd=ROOT, env=os.environ | told | environment, capture_output=True, text=True, timeout=120, check=False
    )


def test_books_that_add_up(settings: Settings, database: Database) -> None:
    completed_line(settings, database)
    found = audit(settings)
    assert (found.returncode, found.stderr) == (0, "")
    assert "3 records = 3 done + 0 in_flight, 0 waiting, 0 unknown, 0 withheld, 0 gaps" in found.stdout
    assert found.stdout.endswith("Everything adds up.\n")
    figures = json.loads(audit(settings, "--json").stdout)
    assert (figures["adds_up"], figures["runs_checked"], figures["found"]) == (True, 15, [])


def test_what_does_not_add_up_is_told_in_a_line_with_its_thought(settings: Settings, database: Database) -> None:
    thought = add_thought(database, add_user(database))
    ring(settings, database, thought)
    commit_by_hand(settings, 1, topic_id(settings))
    found = audit(settings)
    assert (found.returncode, found.stderr) == (1, "")
    (line,) = [line for line in found.stdout.splitlines() if line.startswith("FOUND")]
    assert line.startswith(f"FOUND frontier: partition 0 offset 0 thought {thought}: ")
    (told,) = json.loads(audit(settings, "--json").stdout)["found"]
    assert told["subject"] == f"partition 0 offset 0 thought {thought}"


@pytest.mark.parametrize(
    ("away", "name"),
    [
        ({"DATABASE_URL": "postgresql://nobody@127.0.0.1:9/none"}, "PostgreSQL"),
        ({"KAFKA_BOOTSTRAP_SERVERS": "127.0.0.1:9"}, "Kafka"),
        ({"KAFKA_TOPIC": "no-such-topic"}, "Kafka"),
    ],
)
def test_a_store_that_is_away_is_told_in_one_line(settings: Settings, away: dict[str, str], name: str) -> None:
    found = audit(settings, **away)
    assert (found.returncode, found.stdout) == (2, "")
    (line,) = [line for line in found.stderr.splitlines() if "librdkafka" not in line]
    assert line.startswith(f"{name} did not answer: ")
