"""Readers of the thoughts in PostgreSQL and of the scripted agents' call log."""

import json
import time
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import psycopg2

from tests.faults.verification import Call, SavedResult, Thought

THOUGHTS = """
    SELECT t.id::text, t.user_id::text, t.turn, t.text, t.status, extract(epoch FROM t.finished_at)::float8,
           ARRAY(SELECT d.failure_id FROM dead_letters d WHERE d.thought_id = t.id),
           (SELECT json_agg(json_build_array(r.agent, r.call_id, extract(epoch FROM r.finished_at)) ORDER BY r.step)
              FROM agent_runs r WHERE r.thought_id = t.id)
      FROM thoughts t WHERE t.id = ANY (%s::uuid[])
"""

OPEN = "SELECT id::text FROM thoughts WHERE id = ANY (%s::uuid[]) AND finished_at IS NULL"


class PostgresReader:
    """Reads PostgreSQL directly, not through the proxies. For one thread. It reconnects after each error."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._connection: Any = None

    def thoughts(self, ids: Sequence[str]) -> dict[str, Thought]:
        """Return the thoughts by id. Raises psycopg2.Error."""
        return {row[0]: _thought(row) for row in self.rows(THOUGHTS, list(ids))}

    def open_thoughts(self, ids: Sequence[str]) -> set[str]:
        """Return those of the thoughts that are not terminal. Raises psycopg2.Error."""
        return {row[0] for row in self.rows(OPEN, list(ids))} if ids else set()

    def rows(self, statement: str, *values: Any) -> list[tuple[Any, ...]]:
        """Return all rows of a statement. Raises psycopg2.Error."""
        try:
            with self._open_connection().cursor() as cursor:
                cursor.execute(statement, values)
                return list(cursor.fetchall())
        except psycopg2.Error:
            self.close()
            raise

    def close(self) -> None:
        if self._connection is not None:
            self._connection.close()
        self._connection = None

    def _open_connection(self) -> Any:
        if self._connection is None:
            self._connection = psycopg2.connect(self._url, connect_timeout=5)
            self._connection.autocommit = True
        return self._connection


def _thought(row: tuple[Any, ...]) -> Thought:
    thought_id, user, turn, text, status, finished_at, failure_ids, runs = row
    saved = {agent: SavedResult(call_id, float(at)) for agent, call_id, at in runs or ()}
    return Thought(thought_id, user, turn, text, status, finished_at, saved, failure_ids)


class CallLog:
    """Reads the log of paid calls, each time from where the last read ended."""

    def __init__(self, path: Path, monotonic_zero: float | None = None) -> None:
        """`monotonic_zero` is when the machine's monotonic clock began, in seconds since the epoch; by default it is
        measured.

        A process whose time of day is wrong logs the right monotonic time.
        """
        self._path = path
        self._offset = 0
        self._monotonic_zero = time.time() - time.monotonic() if monotonic_zero is None else monotonic_zero
        self.calls: defaultdict[tuple[str, str], list[Call]] = defaultdict(list)
        """(thought, agent) -> its calls, in the order of their starts."""
        self.errors: list[str] = []
        """Lines that contradict earlier ones."""

    def read_new(self) -> None:
        """Read the complete lines that were appended since the last read."""
        if not self._path.exists():
            return
        with self._path.open("rb") as log:
            log.seek(self._offset)
            chunk = log.read()
        complete = chunk[: chunk.rfind(b"\n") + 1]
        self._offset += len(complete)
        for line in complete.splitlines():
            self._add(json.loads(line))

    def _add(self, line: dict[str, Any]) -> None:
        calls = self.calls[line["thought_id"], line["agent"]]
        if line["event"] == "start":
            calls.append(Call(line["call_id"], line["pid"], line["monotonic"] + self._monotonic_zero))
            return
        index = next((n for n, call in enumerate(calls) if call.id == line["call_id"] and not call.ended), None)
        if index is None:
            self.errors.append(f"call {line['call_id']} ended without a start, or twice")
        else:
            calls[index] = replace(calls[index], ended=line["event"])
