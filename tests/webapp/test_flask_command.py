"""`flask --app webapp run`: the application without gunicorn, for development."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import pytest

from contracts.settings import Settings
from tests.eventually import eventually
from tests.stores import ROOT
from tests.webapp.web_processes import Served, environment, free_port
from tests.webapp.worker_by_hand import Work


@pytest.fixture
def flask_web(settings: Settings, tmp_path: Path) -> Iterator[Served]:
    port, log = free_port(), tmp_path / "flask.log"
    command = [sys.executable, "-m", "flask", "--app", "webapp", "run", "--port", str(port)]
    with log.open("wb") as output:
        process = subprocess.Popen(command, cwd=ROOT, env=environment(settings), stdout=output, stderr=output)
    web = Served(process, port, log)
    try:
        eventually(web.answers, timeout=30)
        yield web
    finally:
        web.close_readers()
        process.kill()
        process.wait()


def test_it_accepts_a_thought_and_shows_it_live(flask_web: Served, work: Work) -> None:
    user = uuid4()
    reader = flask_web.read(user)
    assert reader.comment() == "connected"
    thought = flask_web.post("a thought", user)
    reader.until("thought_created")
    told = work.complete(thought)
    seen = reader.until("thought_completed")
    assert [event.data["event_id"] for event in seen[1:]] == [str(event.event_id) for event in told]
    assert all(event.id for event in seen[1:]), "live, with the ids that Redis gave"
