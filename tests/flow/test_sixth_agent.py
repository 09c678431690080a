"""A sixth agent is one row of the catalogue: chain, tasks, stream, JSON, page and audit follow from it."""

import json
import os
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from agents.catalogue import CATALOGUE
from bridge.audit.audit import Audit
from contracts.database import Database
from contracts.settings import Settings
from tests.bridge import running_bridges
from tests.bridge.audit.audit_runs import completed_line
from tests.bridge.running_relays import running_relay
from tests.eventually import eventually
from tests.flow.sixth_agent import OUTLOOK, STARTUP, append
from tests.stores import ROOT
from tests.tasks.worker_processes import a_worker
from tests.webapp.web_processes import Served, served

STORY = [
    "thought_created",
    "thought_processing",
    *(f"thought_agent_completed {step}/6" for step in range(1, 7)),
    "thought_completed",
]


@pytest.fixture
def overrides(tmp_path: Path) -> dict[str, Any]:
    return {"kafka_partitions": 1, "scripted_call_log": str(tmp_path / "calls")}


@pytest.fixture
def five_agents_before(settings: Settings, database: Database, topics: None) -> UUID:
    """A thought that was completed before the sixth agent came."""
    return completed_line(settings, database)[0]


@pytest.fixture
def sixth_agent(five_agents_before: UUID, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The agent, in this process and in every Python process that it starts."""
    monkeypatch.setattr(CATALOGUE, "agents", CATALOGUE.agents)
    append()
    (tmp_path / "startup").mkdir()
    (tmp_path / "startup" / "sitecustomize.py").write_text(STARTUP)
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(tmp_path / "startup"), str(ROOT)]))


@pytest.fixture
def web(settings: Settings, tmp_path: Path, topics: None, sixth_agent: None) -> Iterator[Served]:
    """The whole path with six agents: web, relay, Kafka, bridge and worker."""
    (tmp_path / "web").mkdir()
    (tmp_path / "worker").mkdir()
    with (
        running_relay(settings),
        running_bridges.running(settings),
        a_worker(settings, tmp_path / "worker"),
        served(settings, tmp_path / "web") as start,
    ):
        yield start()


def page(web: Served, thought: UUID) -> str:
    with urllib.request.urlopen(f"{web.url}/t/{thought}", timeout=10) as answer:
        return str(answer.read().decode())


def agents(web: Served, thought: UUID) -> list[tuple[str, str]]:
    """Name and status of each agent, as the JSON of the thought has them."""
    with urllib.request.urlopen(f"{web.url}/thoughts/{thought}", timeout=10) as answer:
        return [(agent["name"], agent["status"]) for agent in json.load(answer)["agents"]]


def test_a_thought_goes_through_six_agents(
    web: Served, settings: Settings, database: Database, user_id: UUID, five_agents_before: UUID
) -> None:
    reader = web.read(user_id)
    thought = web.post("What if there were six?", user_id)
    reader.until("thought_completed")
    assert reader.names() == STORY
    assert agents(web, thought) == [(name, "completed") for name in CATALOGUE.names]
    shown = page(web, thought)
    assert f'<h2 id="outlook-title"><span class="number">6</span> {OUTLOOK.title}</h2>' in shown
    assert OUTLOOK.question in shown
    assert "Watch for" in shown
    late = web.read(user_id)
    eventually(lambda: late.names() == STORY), "derived from PostgreSQL it is the same story"

    assert len(agents(web, five_agents_before)) == 5
    audit = Audit(settings, database, whole=True)
    try:
        assert audit.run()["found"] == []
    finally:
        audit.close()


def test_the_front_page_announces_six_agents(web: Served) -> None:
    with urllib.request.urlopen(web.url, timeout=10) as answer:
        shown = answer.read().decode()
    assert "Six agents read it one after the other" in shown
    assert f"<strong>{OUTLOOK.title}</strong> {OUTLOOK.summary}" in shown
