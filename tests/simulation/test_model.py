"""The model of PostgreSQL against PostgreSQL: the same statements with the same parameters give the same rows.

Without this the histories would only prove the model. Both sides are asked at random for several hundred statements
of one seed; what hangs on the hour is left out of the comparison, and time itself is moved by hand on both sides.
"""

import json
from collections.abc import Mapping
from random import Random
from types import SimpleNamespace
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import TextClause, text

from agents.catalogue import CATALOGUE
from bridge.consumer import batch_source, decide
from bridge.dead_letters import insert, replay
from bridge.relay import outbox, sweep
from contracts import accept
from contracts.database import Database
from tasks import statements
from tasks.batches import REQUEST
from tests.simulation.postgres import Postgres
from tests.simulation.promise import Promise
from tests.simulation.rows import OutboxRow
from webapp import deletion

USERS = [UUID(int=number) for number in (1, 2)]
STRANGER = UUID(int=3)
STATEMENTS = 400
ORIGINAL = '{"original_key": "QQ==", "original_headers": [["replay-of", "QQ=="], ["b", null]], "message": "?"}'
WITHOUT_VALUE = '{"value_left_out": "undecodable"}'
TOO_LARGE = '{"error_class": "TooLarge"}'
COMPARED = {
    *("user_known", "turn", "owner", "old_text", "fresh", "n", "verdict", "user_id", "head", "steps_done"),
    *("dispatch_id", "beat", "sends", "in_call", "losses", "dispatched", "begins", "attempts", "call_id", "state"),
    *("is_thought", "replayed_turn", "status", "closed", "emitted", "last", "left_out", "too_large", "waits"),
}

STATE = text("""
    SELECT id, user_id, turn, status, dispatch_id, steps_done, attempts, call_id, beat, sends, losses, emissions,
           finished_at IS NULL AS is_open, not_before IS NULL AS is_free FROM thoughts ORDER BY id
""")
OUTBOX = text("""
    SELECT topic, key, turn, failure_id, value, CASE WHEN topic = 'work' THEN headers END AS headers FROM outbox
""")
LETTERS = text("""
    SELECT failure_id, thought_id, turn, reason, state, replayed_turn, value, headers ? 'message' AS has_words
      FROM dead_letters
""")
BATCHES = text("SELECT id, begun_at IS NOT NULL AS begun, ended_at IS NOT NULL AS ended FROM batches ORDER BY id")


class Both:
    """The two, asked side by side."""

    def __init__(self, database: Database, seed: int) -> None:
        self.draw = Random(seed)
        self.now = 1e6
        self.database = database
        self.model = Postgres(lambda: self.now, Silent(lambda: 0.0))
        self.thoughts = [UUID(int=100 + number) for number in range(5)]
        self.calls = [UUID(int=1000 + number) for number in range(3)]
        for user in USERS:
            database.rows(text("INSERT INTO users (id) VALUES (:id)"), id=user)
            self.model.tables.users[user] = 0

    def ask(self, statement: TextClause, **parameters: Any) -> None:
        """Both answer, and both hold the same afterwards."""
        self.now += 0.001
        real = [_seen(row._asdict()) for row in self.database.rows(statement, **parameters)]
        model = [_seen(vars(row)) for row in self.model.execute(statement, parameters)]
        assert sorted(model, key=str) == sorted(real, key=str), (statement.text[:60], parameters)
        self.compare(statement, parameters)

    def compare(self, statement: TextClause, parameters: Any) -> None:
        """The rows of both, in the columns of the protocol."""
        tables = self.model.tables
        mine = [
            (
                t.id,
                t.user_id,
                t.turn,
                t.status,
                t.dispatch_id,
                t.steps_done,
                t.attempts,
                t.call_id,
                t.beat,
                t.sends,
                t.losses,
                t.emissions,
                t.is_open,
                t.not_before is None,
            )
            for t in sorted(tables.thoughts.values(), key=lambda one: one.id)
        ]
        assert mine == [tuple(row) for row in self.database.rows(STATE)], (statement.text[:60], parameters)
        waiting = [
            (row.topic, row.key, row.turn, row.failure_id, row.value, _told(row)) for row in tables.outbox.values()
        ]
        self.same(waiting, OUTBOX, statement)
        letters = [
            (one.failure_id, one.thought_id, one.turn, one.reason, one.state, one.replayed_turn, one.value,
             "message" in one.headers)
            for one in tables.letters.values()
        ]  # fmt: skip
        self.same(letters, LETTERS, statement)
        self.same([(b.id, b.begun_at is not None, b.ended_at is not None) for b in tables.batches], BATCHES, statement)

    def same(self, model: list[Any], query: TextClause, statement: TextClause) -> None:
        """The same rows in any order."""
        real = [
            tuple(bytes(one) if isinstance(one, memoryview) else one for one in row)
            for row in self.database.rows(query)
        ]
        assert sorted(model, key=str) == sorted(real, key=str), statement.text[:60]

    def time_passes(self) -> None:
        """An hour: what was to wait may go on, and what is quiet is to be emitted again."""
        self.now += 3600.0
        columns = ("not_before", "emitted_at", "created_at", "beat_at")
        moved = ", ".join(f"{name} = {name} - interval '1 hour'" for name in columns)
        self.database.rows(text(f"UPDATE thoughts SET {moved}"))
        self.database.rows(text("UPDATE batches SET asked_at = asked_at - interval '1 hour'"))

    def step(self) -> None:
        """One statement."""
        often = [self.decides, self.claims, self.claims, self.saves]
        seldom = [self.accepts, self.decides, self.claims, self.saves, self.renews, self.retries, self.fails]
        letters = [self.buries, self.replays, self.resends, self.discards]
        others = [self.deletes, self.sweeps, self.works_in_batches, self.time_passes, self.publishes, self.publishes]
        self.draw.choice(self.draw.choice([often, seldom, seldom, letters, others]))()

    def thought(self) -> UUID:
        return self.draw.choice(self.thoughts)

    def row(self, thought: UUID) -> Any:
        nothing = SimpleNamespace(turn=1, dispatch_id=1, steps_done=0, beat=0, call_id=None, user_id=USERS[0])
        return self.model.tables.thoughts.get(thought, nothing)

    def call(self, row: Any) -> UUID:
        """Mostly the one in progress."""
        return row.call_id if row.call_id and self.draw.random() < 0.7 else self.draw.choice(self.calls)

    def near(self, number: int) -> int:
        """Mostly this one."""
        return number + self.draw.choice([0, 0, 0, 0, 0, -1, 1])

    def accepts(self) -> None:
        user = self.draw.choice([*USERS, *USERS, STRANGER])
        emit = self.draw.random() < 0.7
        headers = self.draw.choice([None, None, ORIGINAL])
        event = {"text": "A", "event": b"{}", "topic": "work", "headers": headers}
        self.ask(accept.ACCEPT, id=self.thought(), user=user, emit=emit, **event)

    def decides(self) -> None:
        thought = self.thought()
        row = self.row(thought)
        user = row.user_id if self.draw.random() < 0.9 else self.draw.choice(USERS)
        seen = [thought, self.near(row.dispatch_id), self.near(row.beat)] if self.draw.random() < 0.6 else [None] * 3
        self.ask(
            decide.DECIDE,
            users=[user],
            seen_thoughts=seen[:1],
            seen_dispatches=seen[1:2],
            seen_beats=seen[2:],
            rec_users=[user],
            rec_thoughts=[thought],
            rec_turns=[self.near(row.turn)],
            rec_offsets=[7],
            rec_origins=[None],
        )

    def claims(self) -> None:
        thought = self.thought()
        row = self.row(thought)
        token, step = self.near(row.dispatch_id), max(1, self.near(row.steps_done + 1))
        earlier = CATALOGUE.agents[min(step, CATALOGUE.total) - 1].reads_earlier_thoughts
        self.ask(statements.CLAIM, id=thought, token=token, step=step, call=self.call(row), max=4, earlier=earlier)

    def renews(self) -> None:
        known = [one for one in self.thoughts if one in self.model.tables.thoughts]
        if known:
            calls = [self.call(self.row(one)) for one in known]
            if len(set(calls)) == len(calls):
                self.ask(statements.RENEW, ids=known, calls=calls)

    def saves(self) -> None:
        thought = self.thought()
        row = self.row(thought)
        if thought not in self.model.tables.thoughts or row.steps_done >= 5:
            return
        step = row.steps_done + 1
        numbers: dict[str, Any] = {"tokens_in": 1, "tokens_out": 1, "cost_usd": None, "attempts": 1, "seconds": 1.0}
        names = {"agent": "a", "version": "1", "provider": "p", "model": "m", "output": "{}", "topic": "events"}
        same = {"id": thought, "call": self.call(row), "step": step, "last": step == 5}
        self.ask(statements.SAVE, **same, **numbers, **names, emit=True, events=[b"{}"])

    def retries(self) -> None:
        thought = self.thought()
        if thought in self.model.tables.thoughts:
            call = self.call(self.row(thought))
            self.ask(statements.RETRY, id=thought, call=call, backoff=600.0, error='{"kind": "transient"}')

    def fails(self) -> None:
        thought = self.thought()
        row = self.row(thought)
        if thought not in self.model.tables.thoughts:
            return
        call = self.call(row) if self.draw.random() < 0.6 else None
        where = {"id": thought, "token": self.near(row.dispatch_id), "step": self.near(row.steps_done + 1)}
        what = {"reason": "permanent", "error": '{"kind": "permanent"}', "headers": '{"message": "?"}', "event": b"{}"}
        topics = {"topic": "events", "dead_letter_topic": "dead", "emit": True}
        self.ask(statements.FAIL, **where, **what, **topics, call=call, turn=row.turn, max=4)

    def letter(self) -> str:
        return self.draw.choice([*self.model.tables.letters, "nobody's"])

    def buries(self) -> None:
        where = {"failure": self.draw.choice("abcdef"), "reason": "unreadable", "topic": "dead"}
        headers = self.draw.choice(["{}", ORIGINAL, WITHOUT_VALUE, TOO_LARGE, self.names_a_thought()])
        self.ask(insert.INSERT_DEAD_LETTER, **where, value=b"?", headers=headers)

    def names_a_thought(self) -> str:
        return json.dumps({"message": "?", "thought_id": str(self.thought()), "user_id": str(self.draw.choice(USERS))})

    def replays(self) -> None:
        self.ask(replay.REPLAY, failure=self.letter(), topic="work", emit=self.draw.random() < 0.8)

    def resends(self) -> None:
        failure = self.letter()
        self.ask(replay.RESEND, failure=failure, topic="work", mark=json.dumps(replay.replay_of_header(failure)))

    def discards(self) -> None:
        if self.draw.random() < 0.3:
            self.ask(replay.DISCARD, failure=self.letter())

    def deletes(self) -> None:
        thought = self.thought()
        if self.draw.random() < 0.3:
            self.ask(deletion.DELETE_THOUGHT, id=thought)
        self.ask(deletion.ERASE_LATE_RESULTS, id=thought)

    def sweeps(self) -> None:
        after, users = self.draw.choice([sweep.BEFORE_FIRST_USER, *USERS]), self.draw.choice([1, 2, 500])
        self.ask(sweep.SWEEP, topic="work", after=after, users=users)

    def publishes(self) -> None:
        """The relay's batch. Each side has ids of its own: the same places in the batch are deleted, or parked."""
        kept = [f"{row.topic} {row.key}" for row in self.model.tables.outbox.values() if row.key]
        left = {"resting": self.draw.choice([[], ["dead"]]), "lines": self.draw.choice([[], kept[:1]])}
        self.ask(outbox.HAS_PENDING, **left)
        asked = left | {"rows": self.draw.choice([2, 500]), "bytes": self.draw.choice([3, 1000])}
        real = self.database.rows(outbox.NEXT_BATCH, **asked)
        model = self.model.execute(outbox.NEXT_BATCH, asked)
        assert [_read(row) for row in model] == [_read(row) for row in real], asked
        places = [place for place in range(len(real)) if self.draw.random() < 0.7]
        statement, told = outbox.DELETE, {}
        if self.draw.random() < 0.1:
            statement, told = outbox.PARK, {"reasons": ["too large"] * len(places)}
        self.database.rows(statement, ids=[real[place].id for place in places], **told)
        self.model.execute(statement, {"ids": [model[place].id for place in places], **told})
        self.compare(statement, places)

    def works_in_batches(self) -> None:
        statement = self.draw.choice(
            [REQUEST, batch_source.BEGIN, batch_source.OPEN, batch_source.WAITING, batch_source.END]
        )
        asked = {"held": self.draw.choice([[], USERS[:1]]), "users": self.draw.choice([1, 100])}
        self.ask(statement, **asked if statement is batch_source.WAITING else {})


class Silent(Promise):
    """Statements at random keep no promise."""

    def taken_over(self, t: Any) -> None:
        pass

    def broken(self, *_: Any) -> None:
        pass


def _read(row: Any) -> tuple[Any, ...]:
    return row.topic, row.key, row.turn, row.failure_id, None if row.value is None else bytes(row.value)


def _told(row: OutboxRow) -> Any:
    return row.headers if row.topic == "work" else None


def _seen(row: Mapping[str, Any]) -> dict[str, Any]:
    """What both must say; of a line that has no head nothing more is told."""
    named = ("n", "verdict", "user_id") if row.get("head", "none asked") is None else COMPARED
    return {name: row[name] for name in named if name in row}


@pytest.mark.parametrize("seed", range(4))
def test_the_model_answers_and_holds_what_postgresql_does(database: Database, seed: int) -> None:
    both = Both(database, seed)
    for _ in range(STATEMENTS):
        both.step()
