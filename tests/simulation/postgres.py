"""PostgreSQL in memory, at the very place where the code hands over its SQL: one method a statement.

A statement is known by its text's constant and asked with the same parameters as the real one, and answers rows with
the same columns; `test_model.py` holds the two against each other. `off` names guards that a mutation has
switched off.
"""

import json
from collections.abc import Callable, Mapping
from types import SimpleNamespace
from typing import Any, Final

from sqlalchemy import TextClause

from bridge import batches, dead_letters, decide, outbox, sweep
from contracts import accept
from tasks import statements
from tests.simulation.promise import Promise
from tests.simulation.rows import Batch, DeadLetter, OutboxRow, Tables, Thought
from webapp import acceptance

Parameters = Mapping[str, Any]
Rows = list[Any]


class RefusedDataError(Exception):
    """What PostgreSQL says to data that it cannot hold; the code knows it by its SQLSTATE."""

    pgcode = "22021"


UNSTORABLE: Final = "unstorable"
"""A text or a result's version that stands for data which PostgreSQL refuses."""


class Postgres:
    """The rows and the statements. `clock` is the server's wall clock and may jump."""

    def __init__(self, clock: Callable[[], float], promise: Promise, off: frozenset[str] = frozenset()) -> None:
        self.clock = clock
        self.promise = promise
        self.off = off
        self.tables = Tables()
        self.locked: set[Any] = set()
        """Thoughts whose rows somebody else has locked."""
        self.delayed_ids: list[int] = []
        """Outbox ids that were given to a statement which commits later than its successors."""
        self._next_outbox_id = 0
        self._statements: dict[str, Callable[[Parameters], Rows]] = {
            accept.ACCEPT.text: self._accept,
            acceptance.MAKE_USER.text: self._make_user,
            decide.DECIDE.text: self._decide,
            statements.CLAIM.text: self._claim,
            statements.RENEW.text: self._renew,
            statements.SAVE.text: self._save,
            statements.RETRY.text: self._retry,
            statements.FAIL.text: self._fail,
            statements.REQUEST_BATCH.text: self._request_batch,
            dead_letters.BURY.text: self._bury,
            dead_letters.TURNS.text: self._turns,
            dead_letters.REPLAY.text: self._replay,
            sweep.SWEEP.text: self._sweep,
            batches.BEGIN.text: self._begin_batches,
            batches.WAITING.text: self._waiting,
            batches.END.text: self._end_batches,
            outbox.FIRST_ROWS.text: self._first_rows,
            outbox.DELETE.text: self._delete,
            outbox.LOCATE.text: self._nothing,
            outbox.PARK.text: self._park,
        }

    def execute(self, statement: TextClause, parameters: Parameters) -> Rows:
        """Run one statement, whole and at once. Raises RefusedDataError."""
        return self._statements[statement.text](parameters)

    # Accept.

    def _make_user(self, p: Parameters) -> Rows:
        self.tables.users.setdefault(p["id"], 0)
        return []

    def _accept(self, p: Parameters) -> Rows:
        if p["text"].startswith(UNSTORABLE):
            raise RefusedDataError
        user, old = p["user"], self.tables.thoughts.get(p["id"])
        old_turn, fresh = old.turn if old else None, None
        if user in self.tables.users and (old is None or "accept.id" in self.off):
            self.tables.users[user] += 1
            turn = p.get("_turn") or self.tables.users[user]
            if old is None:
                fresh = self._insert(p, user, turn)
            else:
                old.turn = turn
        return [
            SimpleNamespace(
                user_known=user in self.tables.users,
                turn=fresh.turn if fresh else old_turn,
                owner=old.user_id if old else None,
                old_text=old.text if old else None,
                fresh=fresh is not None,
            )
        ]

    def _insert(self, p: Parameters, user: Any, turn: int) -> Thought:
        now, emit = self.clock(), p["emit"]
        thought = Thought(
            p["id"], user, turn, p["text"], p["event"], now, now if emit else None, self.promise.next_place()
        )
        self.tables.thoughts[thought.id] = thought
        self.tables.lines.setdefault(user, []).append(thought)
        self.promise.stored(thought)
        if emit:
            self._tell(p["topic"], str(user), turn, thought.event)
        return thought

    def _tell(
        self,
        topic: str,
        key: str | None,
        turn: int | None,
        value: bytes | None,
        failure_id: str | None = None,
        headers: Any = None,
    ) -> None:
        """An outbox row. Ids are given before the commit, so a later row may be seen first."""
        if self.delayed_ids:
            number = self.delayed_ids.pop(0)
        else:
            self._next_outbox_id += 1
            number = self._next_outbox_id
        self.tables.outbox[number] = OutboxRow(number, topic, key, turn, failure_id, value, headers)

    def delay_an_id(self) -> None:
        """The next row but one gets an id that is smaller than the next one's."""
        self._next_outbox_id += 2
        self.delayed_ids = [self._next_outbox_id, self._next_outbox_id - 1]

    # Decide.

    def _decide(self, p: Parameters) -> Rows:
        asked = zip(p["users"], p["seen_thoughts"], p["seen_dispatches"], p["seen_beats"], strict=True)
        records: dict[Any, list[tuple[int, str, Any]]] = {}
        for user, thought, turn, number in zip(
            p["rec_users"], p["rec_thoughts"], p["rec_turns"], p["rec_offsets"], strict=True
        ):
            records.setdefault(user, []).append((number, self._verdict(user, thought, turn), thought))
        return [row for user, *seen in asked for row in self._answer(user, records.get(user, []), seen)]

    def _verdict(self, user: Any, thought_id: Any, turn: int | None) -> str:
        thought = self.tables.thoughts.get(thought_id)
        if thought is None:
            return "unknown"
        if thought.user_id != user and "decide.owner" not in self.off:
            return "contradicts"
        if turn is not None and thought.turn != turn and "decide.turn" not in self.off:
            return "done"
        return "open" if thought.is_open and "decide.open" not in self.off else "done"

    def _answer(self, user: Any, records: list[tuple[int, str, Any]], seen: list[Any]) -> Rows:
        rang = [thought for _, verdict, thought in records if verdict == "open"]
        head = self._head(user, seen, rang) if rang else None
        none = {"head": None}
        return [
            SimpleNamespace(n=number, verdict=verdict, user_id=user, **(head or none)) for number, verdict, _ in records
        ]

    def _head(self, user: Any, seen: list[Any], rang: list[Any]) -> dict[str, Any] | None:
        line = self.tables.line(user)
        if "decide.lock" in self.off:
            line = [one for one in line if one.id not in self.locked]
        if "decide.head" in self.off:
            line = [one for one in line if one.id == rang[0]]
        if not line or line[0].id in self.locked:
            return None
        return self._look(line[0], seen)

    def _look(self, t: Thought, seen: list[Any]) -> dict[str, Any]:
        pending, in_call = t.status == "pending", t.call_id is not None
        silent = (
            seen[0] == t.id
            and (seen[1] == t.dispatch_id or "decide.dispatch" in self.off)
            and (seen[2] == t.beat or "decide.beat" in self.off)
        )
        take = pending or silent
        wait = max(0.0, t.not_before - self.clock()) if t.not_before is not None else None
        if take:
            self._take(t, pending, in_call)
        return {
            "head": t.id,
            "turn": t.turn,
            "steps_done": t.steps_done,
            "dispatch_id": t.dispatch_id,
            "beat": t.beat,
            "sends": t.sends,
            "in_call": in_call and not take,
            "losses": t.losses,
            "wait": wait or 0.0,
            "dispatched": take,
            "begins": pending and take,
        }

    def _take(self, t: Thought, pending: bool, in_call: bool) -> None:
        new_token = pending or (in_call and "decide.new_token" not in self.off) or "decide.same_token" in self.off
        if in_call:
            self.promise.taken_over(t)
        t.status, t.beat, t.beat_at = "processing", t.beat + 1, self.clock()
        t.sends = 1 if new_token else t.sends + 1
        t.dispatch_id += new_token
        t.losses += in_call
        if "decide.frees" not in self.off:
            t.call_id = None
        if t.started_at is None:
            t.started_at = self.clock()

    # The worker's.

    def _claim(self, p: Parameters) -> Rows:
        t = self.tables.thoughts.get(p["id"])
        if t is None:
            return []
        verdict = self._claim_verdict(t, p["token"], p["step"], p["call"], p["max"])
        wait = None if t.not_before is None else t.not_before - self.clock()
        started = t.started_at
        if verdict == "run":
            self._begin(t, p["step"], p["call"])
        return [
            SimpleNamespace(
                verdict=verdict,
                attempts=t.attempts,
                text=t.text,
                user_id=t.user_id,
                turn=t.turn,
                wait=wait,
                elapsed=self.clock() - (started or self.clock()),
                profile=None,
                previous=None,
                earlier=None,
            )
        ]

    def _claim_verdict(self, t: Thought, token: int, step: int, call: Any, most: int) -> str:
        off = self.off
        if (t.status != "processing" and ("claim.status" not in off or t.is_open)) or (
            t.dispatch_id != token and "claim.token" not in off
        ):
            return "stale"
        if t.steps_done >= step and "claim.saved" not in off:
            return "saved"
        if t.steps_done < step - 1 and "claim.step" not in off:
            return "stale"
        if t.call_id is not None and t.call_id != call and "claim.call" not in off:
            return "busy"
        if t.call_id != call:
            if t.attempts >= most and "claim.max" not in off:
                return "exhausted"
            if t.not_before is not None and t.not_before > self.clock() and "claim.not_before" not in off:
                return "early"
        return "run"

    def _begin(self, t: Thought, step: int, call: Any) -> None:
        if t.call_id != call:
            self.promise.claimed(t, step, call)
            if "claim.counts" not in self.off:
                t.attempts += 1
        t.call_id, t.not_before = call, None
        self._beat(t)

    def _beat(self, t: Thought) -> None:
        t.beat += 1
        t.beat_at = self.clock()
        self.promise.heard(t)

    def _renew(self, p: Parameters) -> Rows:
        alive = []
        for thought_id, call in zip(p["ids"], p["calls"], strict=True):
            t = self.tables.thoughts[thought_id]
            if t.call_id == call or "renew.call" in self.off:
                self._beat(t)
                alive.append(SimpleNamespace(call_id=call))
        return alive

    def _save(self, p: Parameters) -> Rows:
        if p["version"] == UNSTORABLE:
            raise RefusedDataError
        t, step, call = self.tables.thoughts[p["id"]], p["step"], p["call"]
        mine = t.call_id == call or ("save.call" in self.off and t.status == "processing" and t.steps_done < step)
        if mine:
            self.promise.saved(t, step, call)
            self.tables.runs[t.id, step] = call
            t.steps_done, t.call_id, t.attempts, t.sends, t.losses, t.not_before = step, None, 0, 1, 0, None
            t.error = None
            t.beat, t.beat_at = t.beat + 1, self.clock()
            for event in p["events"] if p["emit"] else ():
                self._tell(p["topic"], str(t.user_id), t.turn, event)
            if p["last"]:
                t.status, t.finished_at = "completed", self.clock()
        repeated = self.tables.runs.get((t.id, step)) == call and "save.repeat" not in self.off
        return [SimpleNamespace(verdict="saved" if mine or repeated else "fenced")]

    def _retry(self, p: Parameters) -> Rows:
        t = self.tables.thoughts[p["id"]]
        if t.call_id != p["call"] and not ("retry.call" in self.off and t.call_id is not None):
            return []
        if t.call_id != p["call"]:
            self.promise.robbed(t)
        if "claim.counts" in self.off:
            t.attempts += 1
        t.call_id, t.sends, t.not_before, t.error = None, 1, self.clock() + p["backoff"], p["error"]
        t.beat, t.beat_at = t.beat + 1, self.clock()
        return [SimpleNamespace(turn=t.turn)]

    def _fail(self, p: Parameters) -> Rows:
        t = self.tables.thoughts[p["id"]]
        if self._may_fail(t, p["token"], p["step"], p["call"], p["max"]):
            self._give_up(t, p)
            return [SimpleNamespace(turn=t.turn)]
        repeated = t.turn == p["turn"] and t.status == "failed" and t.error == p["error"]
        return [SimpleNamespace(turn=t.turn)] if repeated and "fail.repeat" not in self.off else []

    def _may_fail(self, t: Thought, token: int, step: int, call: Any, most: int) -> bool:
        off = self.off
        if t.status != "processing":
            return False
        if (t.dispatch_id != token and "fail.token" not in off) or (
            t.steps_done != step - 1 and "fail.step" not in off
        ):
            return False
        if call is None:
            free = t.call_id is None or "fail.free" in off
            return free and (t.attempts >= most or "fail.max" in off)
        return t.call_id == call or "fail.call" in off

    def _give_up(self, t: Thought, p: Parameters) -> None:
        self.promise.gave_up(t, p["step"], p["reason"])
        t.status, t.finished_at, t.call_id, t.not_before, t.error = "failed", self.clock(), None, None, p["error"]
        t.beat, t.beat_at = t.beat + 1, self.clock()
        failure_id = str(t.id) if "fail.turn" in self.off else f"{t.id}:{t.turn}"
        if failure_id not in self.tables.letters:
            headers = json.loads(p["headers"])
            self.tables.letters[failure_id] = DeadLetter(failure_id, t.id, t.turn, p["reason"], headers)
            if p["emit"] and "fail.outbox" not in self.off:
                self._tell(p["dead_letter_topic"], str(t.user_id), None, t.event, failure_id, headers)
        if p["emit"]:
            self._tell(p["topic"], str(t.user_id), t.turn, p["event"])

    # Dead letters.

    def _bury(self, p: Parameters) -> Rows:
        failure_id, headers = p["failure"], json.loads(p["headers"])
        if failure_id in self.tables.letters and "bury.conflict" not in self.off:
            return []
        if failure_id in self.tables.letters:
            failure_id += "'"  # without its key the table holds two of them
        self.tables.letters[failure_id] = DeadLetter(failure_id, None, None, p["reason"], headers)
        self._tell(p["topic"], None, None, p["value"], failure_id, headers)
        return []

    def _turns(self, p: Parameters) -> Rows:
        found = [self.tables.letters[one] for one in p["failures"] if one in self.tables.letters]
        return [SimpleNamespace(failure_id=one.failure_id, turn=one.turn) for one in found]

    def _replay(self, p: Parameters) -> Rows:
        letter = self.tables.letters.get(p["failure"])
        if letter is None:
            return []
        t = self.tables.thoughts.get(letter.thought_id) if letter.thought_id else None
        is_open = letter.state == "open" or "replay.open" in self.off
        same_turn = t is not None and (t.turn == letter.turn or "replay.turn" in self.off)
        failed = t is not None and (t.status == "failed" or "replay.failed" in self.off)
        turn = None
        if t is not None and is_open and same_turn and failed:
            letter.state = "replayed"
            turn = self._send_back(t, p)
        return [SimpleNamespace(turn=turn, state=letter.state, thought_id=letter.thought_id)]

    def _send_back(self, t: Thought, p: Parameters) -> int:
        if "replay.new_turn" not in self.off:
            self.tables.users[t.user_id] += 1
            t.turn = self.tables.users[t.user_id]
        t.place = self.promise.next_place()
        t.status, t.finished_at, t.started_at, t.error, t.not_before = "pending", None, None, None, None
        t.call_id = None
        t.dispatch_id += "replay.token" not in self.off
        t.attempts = t.sends = t.losses = t.emissions = 0
        t.beat += 1
        t.emitted_at = self.clock() if p["emit"] else None
        if p["emit"]:
            self._tell(p["topic"], str(t.user_id), t.turn, t.event)
        return t.turn

    # The relay's.

    def _first_rows(self, p: Parameters) -> Rows:
        waiting = [row for row in self.tables.outbox.values() if not row.parked and row.topic not in p["resting"]]
        return sorted(waiting, key=lambda row: row.id)[: p["rows"]]

    def _delete(self, p: Parameters) -> Rows:
        gone = set(p["ids"])
        if "relay.exactly" in self.off:
            gone = {one for one in self.tables.outbox if one <= max(p["ids"])}
        for one in gone:
            self.tables.outbox.pop(one, None)
        return []

    def _nothing(self, _: Parameters) -> Rows:
        return []

    def _park(self, p: Parameters) -> Rows:
        for one in p["ids"]:
            self.tables.outbox[one].parked = True
        return []

    def _sweep(self, p: Parameters) -> Rows:
        if "sweep" in self.off:
            return []
        told, now = [], self.clock()
        for user in self.tables.lines:
            line = self.tables.line(user)
            if not line or line[-1].id in self.locked:
                continue
            last = line[-1]
            since = last.created_at if last.emitted_at is None else last.emitted_at
            if since < now - 300.0 * 2 ** min(last.emissions, 6) and not _lives(line, now):
                last.emitted_at, last.emissions = now, last.emissions + 1
                self._tell(p["topic"], str(user), last.turn, last.event)
                told.append(SimpleNamespace(turn=last.turn))
        return told

    # Batch mode.

    def _request_batch(self, _: Parameters) -> Rows:
        if any(one.begun_at is None for one in self.tables.batches):
            return []
        batch = Batch(len(self.tables.batches) + 1, self.clock())
        self.tables.batches.append(batch)
        return [SimpleNamespace(id=batch.id)]

    def _begin_batches(self, _: Parameters) -> Rows:
        begun = [one for one in self.tables.batches if one.ended_at is None]
        for one in begun:
            one.begun_at = self.clock() if one.begun_at is None else one.begun_at
        return [SimpleNamespace(id=one.id) for one in begun]

    def _waiting(self, p: Parameters) -> Rows:
        asked = [one.asked_at for one in self.tables.batches if one.ended_at is None]
        found = []
        for user in self.tables.lines if asked else ():
            ripe = [one for one in self.tables.line(user) if one.created_at <= max(asked)]
            if ripe and user not in p["held"]:
                found.append(SimpleNamespace(id=ripe[-1].id, user_id=user, turn=ripe[-1].turn))
        return sorted(found, key=lambda row: row.user_id)[: p["users"]]

    def _end_batches(self, _: Parameters) -> Rows:
        ended = []
        for one in self.tables.batches:
            waits = any(t.is_open and t.created_at <= one.asked_at for t in self.tables.thoughts.values())
            if one.ended_at is None and one.begun_at is not None and not waits:
                one.ended_at = self.clock()
                ended.append(SimpleNamespace(id=one.id))
        return ended


def _lives(line: list[Thought], now: float) -> bool:
    return any(one.beat_at is not None and one.beat_at > now - 60.0 for one in line)
