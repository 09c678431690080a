"""Runs installations without a devstack: two databases, and the real processes, on shared Redis and Kafka."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import text

from contracts.database import Database, make_engine
from contracts.settings import Settings
from tests.eventually import eventually
from tests.stores import ROOT, Stores, temporary_database
from tests.tasks.thoughts import accept_thought
from tests.tasks.worker_processes import environment

COMMANDS = {
    "relay": ["bridge", "relay"],
    "bridge": ["bridge", "run"],
    "worker": [
        "celery", "-A", "tasks", "worker", "--pool", "threads", "--concurrency", "4", "--queues", "thoughts",
        "--without-gossip", "--without-mingle",
    ],
}  # fmt: skip

STATUSES = text("SELECT status, count(*) AS number FROM thoughts GROUP BY status")
DEAD_LETTERS = text("SELECT count(*) AS number FROM dead_letters")
OUTBOX_ROWS = text("SELECT count(*) AS number FROM outbox")
FINISHED = text("SELECT id FROM thoughts WHERE user_id = :user ORDER BY finished_at")
NEW_ID = text("UPDATE installation SET id = gen_random_uuid() RETURNING id")


class Installation:
    """One database with its settings, and the processes that were started for it; their logs are in `directory`."""

    def __init__(self, settings: Settings, directory: Path) -> None:
        self.settings = settings
        self.directory = directory
        self.database = Database(make_engine(settings.database_url, "test", statement_seconds=30.0))
        self.user = uuid4()
        self.accepted: list[UUID] = []
        self._processes: list[subprocess.Popen[bytes]] = []

    def start(self, *names: str, **overrides: str) -> "list[subprocess.Popen[bytes]]":
        """Start processes and return them, without waiting until they are ready."""
        started = [self._start(name, overrides) for name in names]
        self._processes += started
        return started

    def _start(self, name: str, overrides: dict[str, str]) -> "subprocess.Popen[bytes]":
        variables = environment(self.settings, HEARTBEAT_FILE="", **overrides)
        with (self.directory / f"{name}.log").open("ab") as log:
            command = [sys.executable, "-m", *COMMANDS[name]]
            return subprocess.Popen(command, cwd=ROOT, env=variables, stdout=log, stderr=log)

    def log(self, name: str) -> str:
        """Return what the processes of this name have logged."""
        return (self.directory / f"{name}.log").read_text()

    def run(self, *command: str, **overrides: str) -> "subprocess.CompletedProcess[str]":
        """Run a command of `python -m` to its end."""
        return subprocess.run(
            [sys.executable, "-m", *command],
            cwd=ROOT,
            env=environment(self.settings, **overrides),
            capture_output=True,
            text=True,
            timeout=90,
            check=False,
        )

    def accept(self, number: int) -> None:
        """Accept thoughts of this installation's user."""
        for _ in range(number):
            record = accept_thought(self.database, self.settings, "A thought", self.user)
            self.accepted.append(record.thought_id)

    def statuses(self) -> dict[str, int]:
        """Return how many thoughts there are of each status."""
        return {row.status: row.number for row in self.database.rows(STATUSES)}

    def wait_until_completed(self) -> None:
        """Wait until every accepted thought is completed, and check that it was in their order."""
        eventually(lambda: self.statuses() == {"completed": len(self.accepted)}, timeout=90)
        assert [row.id for row in self.database.rows(FINISHED, user=self.user)] == self.accepted

    def count_dead_letters(self) -> int:
        return int(self.database.rows(DEAD_LETTERS)[0].number)

    def wait_until_published(self) -> None:
        """Wait until the relay has published every outbox row."""
        eventually(lambda: self.database.rows(OUTBOX_ROWS)[0].number == 0, timeout=60)

    def stop(self) -> None:
        """Kill all processes."""
        for process in self._processes:
            process.kill()
            process.wait()
        self._processes = []

    def close(self) -> None:
        self.stop()
        self.database.engine.dispose()


@contextmanager
def two_installations(
    stores: Stores, template: str, settings: Settings, directory: Path, **changes: Any
) -> Iterator[tuple[Installation, Installation]]:
    """Yield an installation of `settings`, and another one with its own database and these `changes`."""
    with ExitStack() as stack:
        url = stack.enter_context(temporary_database(stores, template))
        other = settings.model_copy(update={"database_url": url.replace("postgresql://", "postgresql+psycopg2://")})
        other = other.model_copy(update=changes)
        pair = []
        for name, values in (("a", settings), ("b", other)):
            (directory / name).mkdir()
            installation = Installation(values, directory / name)
            stack.callback(installation.close)
            installation.database.rows(NEW_ID)
            pair.append(installation)
        yield pair[0], pair[1]
