"""Executes random statements on the simulated PostgreSQL and on PostgreSQL, and compares answers and rows.

Columns that depend on the time of day are not compared, and the time is advanced explicitly on both sides.
"""

import json
from operator import attrgetter
from random import Random
from types import SimpleNamespace
from typing import Any
from uuid import UUID

from sqlalchemy import TextClause, text

from bridge.consumer import batch_source, decide
from bridge.dead_letters import insert, replay
from bridge.relay import outbox, sweep
from contracts import accept
from contracts.database import Database
from contracts.replay import OPEN, OPEN_OR_DISCARDED, REPLAY
from tasks import statements
from tasks.batches import REQUEST
from tests.simulation.compared_rows import comparable, compared, outbox_values, work_headers
from tests.simulation.invariant_checks import NoChecks
from tests.simulation.postgres import Postgres
from webapp import cancellation, deletion, retrying
from webapp.accounts import joining

USERS = [UUID(int=number) for number in (1, 2, 4)]
ACCOUNT = USERS[-1]
"""The others are anonymous, and may join it."""
UNKNOWN_USER = UUID(int=3)
ORIGINAL = '{"original_key": "QQ==", "original_headers": [["replay-of", "QQ=="], ["b", null]], "message": "?"}'
WITHOUT_VALUE = '{"value_left_out": "undecodable"}'
TOO_LARGE = '{"error_class": "TooLarge"}'
STATE = text("""
    SELECT id, user_id, turn, status, dispatch_id, steps_done, attempts, service_failures, call_id, beat, sends, losses,
           emissions, finished_at IS NULL AS is_open, profile_of, started_at IS NULL AS waits,
           not_before IS NULL AS is_free FROM thoughts ORDER BY id
""")
OUTBOX = text("""
    SELECT topic, key, turn, failure_id, value, CASE WHEN topic = 'work' THEN headers END AS headers FROM outbox
""")
DEAD_LETTERS = text("""
    SELECT failure_id, thought_id, turn, reason, state, replayed_turn, value, headers ? 'message' AS has_words
      FROM dead_letters
""")
_thought_values = attrgetter(
    "id", "user_id", "turn", "status", "dispatch_id", "steps_done", "attempts", "service_failures", "call_id", "beat",
    "sends", "losses", "emissions", "is_open", "profile_of",
)  # fmt: skip
"""The columns of STATE, except the last two."""
BATCHES = text("SELECT id, begun_at IS NOT NULL AS begun, ended_at IS NOT NULL AS ended FROM batches ORDER BY id")


class ModelAndPostgres:
    """Executes each statement on both."""

    def __init__(self, database: Database, seed: int) -> None:
        self.rng = Random(seed)
        self.now = 1e6
        self.database = database
        self.model = Postgres(lambda: self.now, NoChecks(lambda: 0.0))
        self.thoughts = [UUID(int=100 + number) for number in range(5)]
        self.calls = [UUID(int=1000 + number) for number in range(3)]
        for user in USERS:
            is_anonymous = user != ACCOUNT
            database.rows(text("INSERT INTO users (id, is_anonymous) VALUES (:id, :anon)"), id=user, anon=is_anonymous)
            self.model.tables.users[user] = 0
        self.model.tables.accounts.add(ACCOUNT)

    def execute(self, statement: TextClause, **parameters: Any) -> None:
        """Execute a statement on both; compare the answers, and all rows afterwards."""
        self.now += 0.001
        real = [compared(row._asdict()) for row in self.database.rows(statement, **parameters)]
        model = [compared(vars(row)) for row in self.model.execute(statement, parameters)]
        assert sorted(model, key=str) == sorted(real, key=str), (statement.text[:60], parameters)
        self.compare(statement, parameters)

    def compare(self, statement: TextClause, parameters: Any) -> None:
        """Compare the rows of both, in the columns of the protocol."""
        tables = self.model.tables
        rows = sorted(tables.thoughts.values(), key=attrgetter("id"))
        thoughts = [(*_thought_values(t), t.started_at is None, t.not_before is None) for t in rows]
        assert thoughts == [tuple(row) for row in self.database.rows(STATE)], (statement.text[:60], parameters)
        outbox_rows = [
            (row.topic, row.key, row.turn, row.failure_id, row.value, work_headers(row))
            for row in tables.outbox.values()
        ]
        self.compare_rows(outbox_rows, OUTBOX, statement)
        letters = [
            (letter.failure_id, letter.thought_id, letter.turn, letter.reason, letter.state, letter.replayed_turn,
             letter.value, "message" in letter.headers)
            for letter in tables.dead_letters.values()
        ]  # fmt: skip
        self.compare_rows(letters, DEAD_LETTERS, statement)
        batches = [(b.id, b.begun_at is not None, b.ended_at is not None) for b in tables.batches]
        self.compare_rows(batches, BATCHES, statement)

    def compare_rows(self, model: list[Any], query: TextClause, statement: TextClause) -> None:
        """Compare rows in any order."""
        real = [tuple(comparable(value) for value in row) for row in self.database.rows(query)]
        model = [tuple(comparable(value) for value in row) for row in model]
        assert sorted(model, key=str) == sorted(real, key=str), statement.text[:60]

    def pass_an_hour(self) -> None:
        """Let retries become due, and idle thoughts due for the sweep."""
        self.now += 3600.0
        columns = ("not_before", "emitted_at", "created_at", "beat_at")
        moved = ", ".join(f"{name} = {name} - interval '1 hour'" for name in columns)
        self.database.rows(text(f"UPDATE thoughts SET {moved}"))
        self.database.rows(text("UPDATE batches SET asked_at = asked_at - interval '1 hour'"))

    def step(self) -> None:
        """Execute one random statement."""
        frequent = [self.decide, self.claim, self.claim, self.save]
        rare = [self.accept, self.decide, self.claim, self.save, self.renew, self.retry, self.defer, self.fail]
        letters = [self.insert_dead_letter, self.replay, self.resend, self.discard]
        relay = [self.publish_batch, self.publish_batch, self.sweep]
        others = [*relay, self.delete, self.cancel, self.run_batch_statement, self.pass_an_hour, self.join]
        self.rng.choice(self.rng.choice([frequent, rare, rare, letters, others]))()

    def random_thought(self) -> UUID:
        return self.rng.choice(self.thoughts)

    def row(self, thought: UUID) -> Any:
        missing = SimpleNamespace(turn=1, dispatch_id=1, steps_done=0, beat=0, call_id=None, user_id=USERS[0])
        return self.model.tables.thoughts.get(thought, missing)

    def random_call(self, row: Any) -> UUID:
        """Return a call id, mostly that of the call in progress."""
        return row.call_id if row.call_id and self.rng.random() < 0.7 else self.rng.choice(self.calls)

    def near(self, number: int) -> int:
        """Return the number, or rarely one beside it."""
        return number + self.rng.choice([0, 0, 0, 0, 0, -1, 1])

    def accept(self) -> None:
        user = self.rng.choice([*USERS, *USERS, UNKNOWN_USER])
        emit, headers = self.rng.random() < 0.7, self.rng.choice([None, None, ORIGINAL])
        event = {"text": "A", "event": b"{}", "topic": "work", "headers": headers, "fresh": self.rng.random() < 0.5}
        self.execute(accept.ACCEPT, id=self.random_thought(), user=user, emit=emit, **event)

    def decide(self) -> None:
        thought = self.random_thought()
        row = self.row(thought)
        user = row.user_id if self.rng.random() < 0.9 else self.rng.choice(USERS)
        seen = [thought, self.near(row.dispatch_id), self.near(row.beat)] if self.rng.random() < 0.6 else [None] * 3
        self.execute(
            decide.DECIDE,
            users=[user],
            seen_thoughts=seen[:1],
            seen_dispatches=seen[1:2],
            seen_beats=seen[2:],
            may_begin=[self.rng.random() < 0.8],
            rec_users=[user],
            rec_thoughts=[thought],
            rec_turns=[self.near(row.turn)],
            rec_offsets=[7],
            rec_origins=[None],
        )

    def claim(self) -> None:
        thought = self.random_thought()
        row = self.row(thought)
        token, step = self.near(row.dispatch_id), max(1, self.near(row.steps_done + 1))
        call = self.random_call(row)
        where = {"id": thought, "dispatch_id": token, "step": step, "call_id": call}
        self.execute(statements.CLAIM, **where, max=4)

    def defer(self) -> None:
        thought = self.random_thought()
        row = self.row(thought)
        call = self.random_call(row) if self.rng.random() < 0.5 else None
        token, step = self.near(row.dispatch_id), max(1, self.near(row.steps_done + 1))
        where = {"id": thought, "dispatch_id": token, "step": step, "call_id": call}
        what = {"wait": self.rng.choice([60.0, 600.0]), "waiting": "{}", "outage": self.rng.random() < 0.5}
        self.execute(statements.DEFER, **where, **what, max=4)

    def renew(self) -> None:
        known = [thought for thought in self.thoughts if thought in self.model.tables.thoughts]
        if known:
            calls = [self.random_call(self.row(thought)) for thought in known]
            if len(set(calls)) == len(calls):
                self.execute(statements.RENEW, ids=known, calls=calls)

    def save(self) -> None:
        thought = self.random_thought()
        row = self.row(thought)
        if thought not in self.model.tables.thoughts or row.steps_done >= 5:
            return
        step = row.steps_done + 1
        numbers = dict.fromkeys(
            ("tokens_in", "tokens_out", "cost_usd", "dropped_claims", "profile_version", "seconds"), 1
        ) | {"reuse_key": None, "reused_from": self.rng.choice([None, *self.thoughts]), "earlier_thoughts": None}
        names = {"agent": "a", "version": "1", "provider": "p", "model": "m", "output": "{}", "topic": "events"}
        ids = {"id": thought, "call_id": self.random_call(row), "step": step, "last": step == 5}
        self.execute(statements.SAVE, **ids, **numbers, **names, attempts=1, emit=True, events=[b"{}"])

    def retry(self) -> None:
        thought = self.random_thought()
        if thought in self.model.tables.thoughts:
            call = self.random_call(self.row(thought))
            why = {"error": '{"kind": "transient"}', "service": self.rng.choice([0, 1])}
            self.execute(statements.RETRY, id=thought, call_id=call, backoff=600.0, **why)

    def fail(self) -> None:
        thought = self.random_thought()
        row = self.row(thought)
        if thought not in self.model.tables.thoughts:
            return
        call = self.random_call(row) if self.rng.random() < 0.6 else None
        where = {"id": thought, "dispatch_id": self.near(row.dispatch_id), "step": self.near(row.steps_done + 1)}
        what = {"reason": "permanent", "error": '{"kind": "permanent"}', "headers": '{"message": "?"}', "event": b"{}"}
        topics = {"topic": "events", "dead_letter_topic": "dead", "emit": True}
        self.execute(statements.FAIL, **where, **what, **topics, call_id=call, turn=row.turn, max=4)

    def random_failure_id(self) -> str:
        return self.rng.choice([*self.model.tables.dead_letters, "unknown"])

    def insert_dead_letter(self) -> None:
        where = {"failure": self.rng.choice("abcdef"), "reason": "unreadable", "topic": "dead"}
        headers = self.rng.choice(["{}", ORIGINAL, WITHOUT_VALUE, TOO_LARGE, self.headers_with_a_thought()])
        self.execute(insert.INSERT_DEAD_LETTER, **where, value=b"?", headers=headers)

    def headers_with_a_thought(self) -> str:
        ids = {"thought_id": str(self.random_thought()), "user_id": str(self.rng.choice(USERS))}
        return json.dumps({"message": "?"} | ids)

    def replay(self) -> None:
        how = {"states": list(self.rng.choice([OPEN, OPEN_OR_DISCARDED])), "emit": self.rng.random() < 0.8}
        self.execute(REPLAY, failure=self.random_failure_id(), topic="work", **how)

    def resend(self) -> None:
        failure = self.random_failure_id()
        self.execute(replay.RESEND, failure=failure, topic="work", mark=json.dumps(replay.replay_of_header(failure)))

    def discard(self) -> None:
        if self.rng.random() < 0.3:
            self.execute(replay.DISCARD, failure=self.random_failure_id())

    def delete(self) -> None:
        thought = self.random_thought()
        if self.rng.random() < 0.3:
            self.execute(deletion.DELETE_THOUGHT, id=thought, address=None)
        self.execute(deletion.ERASE_LATE_RESULTS, id=thought)

    def cancel(self) -> None:
        thought = self.random_thought()
        where = {"id": thought, "turn": self.near(self.row(thought).turn), "topic": "events", "emit": True}
        what = {"reason": "cancelled", "error": '{"kind": "cancelled"}', "headers": '{"message": "?"}', "event": b"{}"}
        if self.rng.random() < 0.5:
            self.execute(cancellation.CANCEL, **where, **what)
        self.execute(retrying.WAS_RETRIED, id=thought)

    def join(self) -> None:
        if self.rng.random() < 0.2:
            pair = {"anonymous": self.rng.choice([*USERS, UNKNOWN_USER]), "account": self.rng.choice([ACCOUNT, *USERS])}
            self.execute(joining.JOIN_ACCOUNT, **pair, address="", topic="work", emit=self.rng.random() < 0.8)
            self.execute(joining.MOVE_LATE_VECTORS, anonymous=pair["anonymous"])

    def sweep(self) -> None:
        after, users = self.rng.choice([sweep.BEFORE_FIRST_USER, *USERS]), self.rng.choice([1, 2, 500])
        self.execute(sweep.SWEEP, topic="work", after=after, users=users)

    def publish_batch(self) -> None:
        """Execute a relay's batch. Ids differ, so rows are deleted or parked by their place in the batch."""
        keys = [f"{row.topic} {row.key}" for row in self.model.tables.outbox.values() if row.key]
        topics, order_keys = self.rng.choice([[], ["dead"]]), self.rng.choice([[], keys[:1]])
        exclusions = {"paused_topics": topics, "paused_order_keys": order_keys}
        self.execute(outbox.HAS_PENDING, **exclusions)
        parameters = exclusions | {"rows": self.rng.choice([2, 500]), "bytes": self.rng.choice([3, 1000])}
        real = self.database.rows(outbox.NEXT_BATCH, **parameters)
        model = self.model.execute(outbox.NEXT_BATCH, parameters)
        assert [outbox_values(row) for row in model] == [outbox_values(row) for row in real], parameters
        places = [place for place in range(len(real)) if self.rng.random() < 0.7]
        statement, more = outbox.DELETE, outbox.terminal_events(())
        if self.rng.random() < 0.1:
            statement, more = outbox.PARK, {"reasons": ["too large"] * len(places)}
        self.database.rows(statement, ids=[real[place].id for place in places], **more)
        self.model.execute(statement, {"ids": [model[place].id for place in places], **more})
        self.compare(statement, places)

    def run_batch_statement(self) -> None:
        others = [batch_source.BEGIN, batch_source.OPEN, batch_source.WAITING, batch_source.END]
        statement = self.rng.choice([REQUEST, *others])
        parameters = {"held": self.rng.choice([[], USERS[:1]]), "users": self.rng.choice([1, 100])}
        self.execute(statement, **parameters if statement is batch_source.WAITING else {})
