"""What PostgreSQL and the scripted agents' call log say of the thoughts of a run."""

import json
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import psycopg2

from tests.faults.verdicts import Call, Saved, Thought

THOUGHTS = """
    SELECT t.id::text, t.user_id::text, t.turn, t.text, t.status, extract(epoch FROM t.finished_at)::float8,
           ARRAY(SELECT d.failure_id FROM dead_letters d WHERE d.thought_id = t.id),
           (SELECT json_agg(json_build_array(r.agent, r.call_id, extract(epoch FROM r.finished_at)) ORDER BY r.step)
              FROM agent_runs r WHERE r.thought_id = t.id)
      FROM thoughts t WHERE t.id = ANY (%s::uuid[])
"""

OPEN = "SELECT id::text FROM thoughts WHERE id = ANY (%s::uuid[]) AND finished_at IS NULL"


class PostgreSQL:
    """Asked past the proxies, by one thread. Its connection is made anew after each error: servers come and go."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._connection: Any = None

    def thoughts(self, ids: Sequence[str]) -> dict[str, Thought]:
        """All that is known of these thoughts. Raises psycopg2.Error."""
        return {row[0]: _thought(row) for row in self.rows(THOUGHTS, list(ids))}

    def still_open(self, ids: Sequence[str]) -> set[str]:
        """Those of the thoughts that are not terminal. Raises psycopg2.Error."""
        return {row[0] for row in self.rows(OPEN, list(ids))} if ids else set()

    def rows(self, statement: str, *values: Any) -> list[tuple[Any, ...]]:
        """All rows of a statement. Raises psycopg2.Error."""
        try:
            with self._connected().cursor() as cursor:
                cursor.execute(statement, values)
                return list(cursor.fetchall())
        except psycopg2.Error:
            self.close()
            raise

    def close(self) -> None:
        if self._connection is not None:
            self._connection.close()
        self._connection = None

    def _connected(self) -> Any:
        if self._connection is None:
            self._connection = psycopg2.connect(self._url, connect_timeout=5)
            self._connection.autocommit = True
        return self._connection


def _thought(row: tuple[Any, ...]) -> Thought:
    name, user, turn, text, status, finished_at, failure_ids, saved = row
    results = {agent: Saved(call, float(at)) for agent, call, at in saved or ()}
    return Thought(name, user, turn, text, status, finished_at, results, failure_ids)


class CallLog:
    """The paid calls so far, read on from where the last look ended."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._offset = 0
        self.calls: defaultdict[tuple[str, str], list[Call]] = defaultdict(list)
        self.strange: list[str] = []
        """What no log of ours may say."""

    def read_on(self) -> None:
        """Take in what was written since."""
        if not self._path.exists():
            return
        with self._path.open("rb") as log:
            log.seek(self._offset)
            chunk = log.read()
        whole = chunk[: chunk.rfind(b"\n") + 1]
        self._offset += len(whole)
        for line in whole.splitlines():
            self._take(json.loads(line))

    def _take(self, line: dict[str, Any]) -> None:
        made = self.calls[line["thought_id"], line["agent"]]
        if line["event"] == "start":
            made.append(Call(line["call_id"], line["pid"], line["time"]))
            return
        place = next((n for n, call in enumerate(made) if call.id == line["call_id"] and not call.ended), None)
        if place is None:
            self.strange.append(f"call {line['call_id']} ended and was never begun, or ended twice")
        else:
            made[place] = replace(made[place], ended=line["event"])
