"""The application factory, and `flask --app webapp run`, which serves it without gunicorn for development."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import pytest

from contracts.settings import Settings
from tests.eventually import eventually
from tests.stores import ROOT
from tests.webapp.conftest import MakeApp
from tests.webapp.fake_worker import FakeWorker
from tests.webapp.web_processes import WebProcess, environment, find_free_port


@pytest.fixture
def flask_web(settings: Settings, tmp_path: Path) -> Iterator[WebProcess]:
    port, log = find_free_port(), tmp_path / "flask.log"
    command = [sys.executable, "-m", "flask", "--app", "webapp", "run", "--port", str(port)]
    with log.open("wb") as output:
        process = subprocess.Popen(command, cwd=ROOT, env=environment(settings), stdout=output, stderr=output)
    web = WebProcess(process, port, log)
    try:
        eventually(web.is_up, timeout=30)
        yield web
    finally:
        web.close_streams()
        process.kill()
        process.wait()


def test_the_flask_command_accepts_a_thought_and_streams_its_events_live(
    flask_web: WebProcess, worker: FakeWorker
) -> None:
    user = uuid4()
    stream = flask_web.open_stream(user)
    assert stream.next_comment() == "connected"
    thought = flask_web.post("a thought", user)
    stream.wait_for("thought_created")
    published = worker.complete(thought)
    received = stream.wait_for("thought_completed")
    assert [event.data["event_id"] for event in received[1:]] == [str(event.event_id) for event in published]
    assert all(event.id for event in received[1:]), "live events have the ids that Redis assigned"


def test_the_application_does_not_start_without_a_secret_key(make_app: MakeApp) -> None:
    with pytest.raises(SystemExit, match="SECRET_KEY: missing"):
        make_app(secret_key=None)


def test_the_application_never_loads_kafkas_client(settings: Settings) -> None:
    code = (
        "import sys, webapp; app = webapp.create_app(); app.test_client().get('/health'); "
        "sys.exit('confluent_kafka' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, env=environment(settings), timeout=60, check=False)
    assert done.returncode == 0
