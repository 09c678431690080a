"""The worker's statements: Claim, Renew, Save, Retry, Fail."""

import json
from types import SimpleNamespace
from typing import Any

from tasks import statements
from tests.simulation.rows import DeadLetter, Thought
from tests.simulation.store import UNSTORABLE, Parameters, RefusedDataError, Rows, Statements, Store


class Working:
    """The statements."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._tables = store.tables
        self._off = store.off

    def statements(self) -> Statements:
        return {
            statements.CLAIM: self._claim,
            statements.RENEW: self._renew,
            statements.SAVE: self._save,
            statements.RETRY: self._retry,
            statements.FAIL: self._fail,
        }

    def _claim(self, p: Parameters) -> Rows:
        t = self._tables.thoughts.get(p["id"])
        if t is None:
            return []
        verdict = self._claim_verdict(t, p["token"], p["step"], p["call"], p["max"])
        wait = None if t.not_before is None else t.not_before - self._store.clock()
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
                elapsed=self._store.clock() - (started or self._store.clock()),
                profile=None,
                previous=None,
                earlier=None,
            )
        ]

    def _claim_verdict(self, t: Thought, token: int, step: int, call: Any, most: int) -> str:
        off = self._off
        if (t.status != "processing" and "claim.status" not in off) or (
            t.dispatch_id != token and "claim.token" not in off
        ):
            return "stale"
        if t.steps_done >= step and "claim.saved" not in off:
            return "saved"
        if t.steps_done < step - 1 and "claim.step" not in off:
            return "stale"
        mine = t.call_id == call and "claim.same_call" not in off
        if t.call_id is not None and not mine and "claim.call" not in off:
            return "busy"
        if not mine:
            if t.attempts >= most and "claim.max" not in off:
                return "exhausted"
            if t.not_before is not None and t.not_before > self._store.clock() and "claim.not_before" not in off:
                return "early"
        return "run"

    def _begin(self, t: Thought, step: int, call: Any) -> None:
        if t.call_id != call:
            wait = 0.0 if t.not_before is None else t.not_before - self._store.clock()
            self._store.promise.claimed(t, step, call, wait)
            if "claim.counts" not in self._off:
                t.attempts += 1
        elif "claim.once" in self._off:
            t.attempts += 1
        t.call_id, t.not_before = call, None
        self._beat(t)

    def _beat(self, t: Thought) -> None:
        t.beat += 1
        t.beat_at = self._store.clock()
        self._store.promise.heard(t)

    def _renew(self, p: Parameters) -> Rows:
        if "renew.call" in self._off:
            return [SimpleNamespace(call_id=call, renewed=True) for call in p["calls"]]
        alive = [t for one in p["ids"] if (t := self._tables.thoughts[one]).call_id in p["calls"]]
        free = [t for t in alive if t.id not in self._store.locked]
        for t in free:
            self._beat(t)
        told = free if "renew.locked" in self._off else alive
        return [SimpleNamespace(call_id=t.call_id, renewed=t in free) for t in told]

    def _save(self, p: Parameters) -> Rows:
        if p["version"] == UNSTORABLE:
            raise RefusedDataError
        t, step, call = self._tables.thoughts[p["id"]], p["step"], p["call"]
        mine = t.call_id == call or ("save.call" in self._off and t.status == "processing" and t.steps_done < step)
        if mine:
            self._store.promise.saved(t, step, call)
            self._tables.runs[t.id, step] = call
            t.steps_done, t.call_id, t.not_before, t.error = step, None, None, None
            t.attempts = t.attempts if "save.attempts" in self._off else 0
            t.sends = t.sends if "save.sends" in self._off else 1
            t.losses = t.losses if "save.losses" in self._off else 0
            t.beat, t.beat_at = t.beat + 1, self._store.clock()
            for event in p["events"] if p["emit"] else ():
                self._store.tell(p["topic"], str(t.user_id), t.turn, event)
            if p["last"]:
                t.status, t.finished_at = "completed", self._store.clock()
        repeated = self._tables.runs.get((t.id, step)) == call and "save.repeat" not in self._off
        return [SimpleNamespace(verdict="saved" if mine or repeated else "fenced")]

    def _retry(self, p: Parameters) -> Rows:
        t = self._tables.thoughts[p["id"]]
        if t.call_id != p["call"] and not ("retry.call" in self._off and t.call_id is not None):
            return []
        if t.call_id != p["call"]:
            self._store.promise.robbed(t)
        if "claim.counts" in self._off:
            t.attempts += 1
        t.call_id, t.sends, t.not_before, t.error = None, 1, self._store.clock() + p["backoff"], p["error"]
        t.beat, t.beat_at = t.beat + 1, self._store.clock()
        return [SimpleNamespace(turn=t.turn)]

    def _fail(self, p: Parameters) -> Rows:
        t = self._tables.thoughts[p["id"]]
        if self._may_fail(t, p["token"], p["step"], p["call"], p["max"]):
            self._give_up(t, p)
            return [SimpleNamespace(turn=t.turn)]
        repeated = t.turn == p["turn"] and t.status == "failed" and t.error == p["error"]
        return [SimpleNamespace(turn=t.turn)] if repeated and "fail.repeat" not in self._off else []

    def _may_fail(self, t: Thought, token: int, step: int, call: Any, most: int) -> bool:
        off = self._off
        if t.status != "processing" and "fail.status" not in off:
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
        self._store.promise.gave_up(t, p["step"], p["reason"])
        t.status, t.finished_at, t.call_id, t.not_before, t.error = (
            "failed",
            self._store.clock(),
            None,
            None,
            p["error"],
        )
        t.beat, t.beat_at = t.beat + 1, self._store.clock()
        failure_id = str(t.id) if "fail.turn" in self._off else f"{t.id}:{t.turn}"
        headers = json.loads(p["headers"]) | (t.headers or {})
        self._tables.letters[failure_id] = DeadLetter(failure_id, t.id, t.turn, p["reason"], headers, t.event)
        if "fail.outbox" not in self._off:
            self._store.tell(p["dead_letter_topic"], str(t.user_id), None, t.event, failure_id, headers)
        if p["emit"]:
            self._store.tell(p["topic"], str(t.user_id), t.turn, p["event"])
