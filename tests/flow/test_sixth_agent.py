"""A sixth agent needs one catalogue row; the chain, tasks, stream, JSON, page and audit are derived from it."""

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
from tests.bridge.audit.audit_runs import add_completed_line
from tests.bridge.running_relays import running_relay
from tests.eventually import eventually
from tests.flow.sixth_agent import OUTLOOK, STARTUP, append
from tests.stores import ROOT
from tests.tasks.worker_processes import running_worker
from tests.webapp.web_processes import WebProcess, web_launcher

EVENT_SEQUENCE = [
    "thought_created",
    "thought_processing",
    *(f"thought_agent_completed {step}/6" for step in range(1, 7)),
    "thought_completed",
]


@pytest.fixture
def overrides(tmp_path: Path) -> dict[str, Any]:
    return {"kafka_partitions": 1, "scripted_call_log": str(tmp_path / "calls")}


@pytest.fixture
def thought_of_five_agents(settings: Settings, database: Database, topics: None) -> UUID:
    """A thought that was completed before the sixth agent was added."""
    return add_completed_line(settings, database)[0]


@pytest.fixture
def sixth_agent(thought_of_five_agents: UUID, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Adds the agent in this process and in every Python process that it starts."""
    monkeypatch.setattr(CATALOGUE, "agents", CATALOGUE.agents)
    append()
    (tmp_path / "startup").mkdir()
    (tmp_path / "startup" / "sitecustomize.py").write_text(STARTUP)
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(tmp_path / "startup"), str(ROOT)]))


@pytest.fixture
def web(settings: Settings, tmp_path: Path, topics: None, sixth_agent: None) -> Iterator[WebProcess]:
    """A web with six agents, and the relay, bridge and worker that it needs."""
    (tmp_path / "web").mkdir()
    (tmp_path / "worker").mkdir()
    with (
        running_relay(settings),
        running_bridges.running_bridge(settings),
        running_worker(settings, tmp_path / "worker"),
        web_launcher(settings, tmp_path / "web") as start,
    ):
        yield start()


def get_page(web: WebProcess, thought: UUID) -> str:
    with urllib.request.urlopen(f"{web.url}/t/{thought}", timeout=10) as response:
        return str(response.read().decode())


def agent_statuses(web: WebProcess, thought: UUID) -> list[tuple[str, str]]:
    """Return the name and status of each agent in the thought's JSON."""
    with urllib.request.urlopen(f"{web.url}/thoughts/{thought}", timeout=10) as response:
        return [(agent["name"], agent["status"]) for agent in json.load(response)["agents"]]


def test_a_thought_goes_through_six_agents(
    web: WebProcess, settings: Settings, database: Database, user_id: UUID, thought_of_five_agents: UUID
) -> None:
    reader = web.open_stream(user_id)
    thought = web.post("What if there were six?", user_id)
    reader.wait_for("thought_completed")
    assert reader.names() == EVENT_SEQUENCE
    assert agent_statuses(web, thought) == [(name, "completed") for name in CATALOGUE.names]
    page = get_page(web, thought)
    assert f'<h2 id="outlook-title"><span class="number">6</span> {OUTLOOK.title}</h2>' in page
    assert OUTLOOK.question in page
    assert "Watch for" in page
    # a new stream derives the same events from PostgreSQL
    late_reader = web.open_stream(user_id)
    eventually(lambda: late_reader.names() == EVENT_SEQUENCE)

    assert len(agent_statuses(web, thought_of_five_agents)) == 5
    audit = Audit(settings, database, whole=True)
    try:
        assert audit.run()["finding_details"] == []
    finally:
        audit.close()


def test_the_front_page_announces_six_agents(web: WebProcess) -> None:
    with urllib.request.urlopen(web.url, timeout=10) as response:
        page = response.read().decode()
    assert "Six agents read it one after the other" in page
    assert f"<strong>{OUTLOOK.title}</strong> {OUTLOOK.summary}" in page
