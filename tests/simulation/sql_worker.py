"""The worker's statements: Claim, Renew, Save, Retry, Fail."""

import json
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

from tasks import statements
from tests.simulation.store import UNSTORABLE, Parameters, RefusedDataError, Rows, Statements, Store
from tests.simulation.tables import DeadLetter, Thought


class WorkerStatements:
    """The five statements of a step."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._tables = store.tables
        self._disabled = store.disabled

    def statements(self) -> Statements:
        return {
            statements.CLAIM: self._claim,
            statements.RENEW: self._renew,
            statements.SAVE: self._save,
            statements.RETRY: self._retry,
            statements.DEFER: self._defer,
            statements.FAIL: self._fail,
        }

    def _claim(self, p: Parameters) -> Rows:
        t = self._tables.thoughts.get(p["id"])
        if t is None:
            return []
        step = p["step"]
        result = self._claim_result(t, p["dispatch_id"], step, p["call_id"], p["max"])
        wait = None if t.not_before is None else t.not_before - self._store.clock()
        started = t.started_at
        if result == "run":
            self._begin(t, step, p["call_id"])
        return [
            SimpleNamespace(
                result=result,
                attempts=t.attempts,
                text=t.text,
                user_id=t.user_id,
                turn=t.turn,
                created_at=datetime.fromtimestamp(0, UTC),
                wait=wait,
                elapsed=self._store.clock() - (started or self._store.clock()),
                profile=None,
                previous=None,
                fresh=t.fresh,
                reused_from=self._tables.copied_from.get((t.id, step - 1)),
            )
        ]

    def _claim_result(self, t: Thought, token: int, step: int, call: Any, max_calls: int) -> str:
        disabled = self._disabled
        if (t.status != "processing" and "claim.status" not in disabled) or (
            t.dispatch_id != token and "claim.token" not in disabled
        ):
            return "stale"
        if t.steps_done >= step and "claim.saved" not in disabled:
            return "saved"
        if t.steps_done < step - 1 and "claim.step" not in disabled:
            return "stale"
        is_repeat = t.call_id == call and "claim.repeat" not in disabled
        if t.call_id is not None and not is_repeat and "claim.call" not in disabled:
            return "busy"
        if not is_repeat:
            if t.attempts >= max_calls and "claim.max" not in disabled:
                return "exhausted"
            if t.believed_wait(self._store.clock()) and "claim.not_before" not in disabled:
                return "early"
        return "run"

    def _begin(self, t: Thought, step: int, call: Any) -> None:
        if t.call_id != call:
            self._store.checks.claimed(t, step, call, t.believed_wait(self._store.clock()))
            if "claim.counts_first" not in self._disabled:
                t.attempts += 1
        elif "claim.counts_once" in self._disabled:
            t.attempts += 1
        t.call_id, t.not_before = call, None
        self._beat(t)

    def _beat(self, t: Thought) -> None:
        t.beat += 1
        t.beat_at = self._store.clock()
        self._store.checks.heartbeat(t)

    def _renew(self, p: Parameters) -> Rows:
        if "renew.call" in self._disabled:
            return [SimpleNamespace(call_id=call, renewed=True) for call in p["calls"]]
        alive = [t for thought_id in p["ids"] if (t := self._tables.thoughts[thought_id]).call_id in p["calls"]]
        unlocked = [t for t in alive if t.id not in self._store.locked]
        for t in unlocked:
            self._beat(t)
        answered = unlocked if "renew.locked" in self._disabled else alive
        return [SimpleNamespace(call_id=t.call_id, renewed=t in unlocked) for t in answered]

    def _save(self, p: Parameters) -> Rows:
        if p["version"] == UNSTORABLE:
            raise RefusedDataError
        t, step, call = self._tables.thoughts[p["id"]], p["step"], p["call_id"]
        holds_claim = t.call_id == call or (
            "save.call" in self._disabled and t.status == "processing" and t.steps_done < step
        )
        if holds_claim:
            self._store.checks.step_saved(t, step, call)
            self._tables.saved_steps[t.id, step] = call
            self._tables.copied_from[t.id, step] = p["reused_from"]
            t.steps_done, t.call_id, t.not_before, t.error = step, None, None, None
            t.attempts = t.attempts if "save.attempts" in self._disabled else 0
            t.service_failures = 0
            t.sends = t.sends if "save.sends" in self._disabled else 1
            t.losses = t.losses if "save.losses" in self._disabled else 0
            t.beat, t.beat_at = t.beat + 1, self._store.clock()
            for event in p["events"] if p["emit"] else ():
                self._store.add_outbox_row(p["topic"], str(t.user_id), t.turn, event)
            self._end_call(t)
            if p["last"]:
                t.status, t.finished_at = "completed", self._store.clock()
        is_repeat = self._tables.saved_steps.get((t.id, step)) == call and "save.repeat" not in self._disabled
        return [SimpleNamespace(result="saved" if holds_claim or is_repeat else "fenced")]

    def _end_call(self, t: Thought) -> None:
        """Leave a thought pending that no bridge has dispatched in this turn: it came from another line."""
        if t.started_at is None and "call.turn" not in self._disabled:
            t.status = "pending"

    def _retry(self, p: Parameters) -> Rows:
        t = self._tables.thoughts[p["id"]]
        if t.call_id != p["call_id"] and not ("retry.call" in self._disabled and t.call_id is not None):
            return []
        if t.call_id != p["call_id"]:
            self._store.checks.call_superseded(t)
        if "claim.counts_first" in self._disabled:
            t.attempts += 1
        t.service_failures += p["service"]
        t.call_id, t.sends, t.not_before, t.error = None, 1, self._store.clock() + p["backoff"], p["error"]
        t.beat, t.beat_at = t.beat + 1, self._store.clock()
        self._end_call(t)
        return [SimpleNamespace(turn=t.turn)]

    def _defer(self, p: Parameters) -> Rows:
        t, call, disabled = self._tables.thoughts.get(p["id"]), p["call_id"], self._disabled
        if t is None:
            return []
        earlier = t.service_failures if p["outage"] else 0
        result, attempts = self._defer_result(t, p["dispatch_id"], p["step"], call, p["max"] + earlier), t.attempts
        if result == "deferred":
            self._store.checks.attempts_given_back(t, call, earlier)
            if t.call_id is not None and "defer.attempt" not in disabled:
                t.attempts -= 1
            t.attempts -= 0 if "defer.service" in disabled else earlier
            t.service_failures -= earlier
            now = self._store.clock()
            t.call_id, t.sends, t.not_before = None, 1, now + max(p["wait"], t.believed_wait(now))
            t.beat, t.beat_at = t.beat + 1, self._store.clock()
            self._end_call(t)
        return [SimpleNamespace(result=result, attempts=attempts, user_id=t.user_id, turn=t.turn)]

    def _defer_result(self, t: Thought, token: int, step: int, call: Any, max_calls: int) -> str:
        """Return the answer to a deferral. Its cases without a call are those of a claim."""
        is_current = t.status == "processing" and (t.dispatch_id == token or "defer.token" in self._disabled)
        is_step = is_current and (t.steps_done == step - 1 or "defer.step" in self._disabled)
        if call is not None:
            return "deferred" if is_step and (t.call_id == call or "defer.call" in self._disabled) else "fenced"
        if (
            is_step
            and (t.call_id is None or "defer.free" in self._disabled)
            and (t.attempts < max_calls or "defer.max" in self._disabled)
        ):
            return "deferred"
        return self._claim_result(t, token, step, object(), max_calls)

    def _fail(self, p: Parameters) -> Rows:
        t = self._tables.thoughts[p["id"]]
        if self._may_fail(t, p["dispatch_id"], p["step"], p["call_id"], p["max"]):
            self._apply_failure(t, p)
            return [SimpleNamespace(turn=t.turn)]
        is_repeat = t.turn == p["turn"] and t.status == "failed" and t.error == p["error"]
        return [SimpleNamespace(turn=t.turn)] if is_repeat and "fail.repeat" not in self._disabled else []

    def _may_fail(self, t: Thought, token: int, step: int, call: Any, max_calls: int) -> bool:
        disabled = self._disabled
        if t.status != "processing" and "fail.status" not in disabled:
            return False
        if (t.dispatch_id != token and "fail.token" not in disabled) or (
            t.steps_done != step - 1 and "fail.step" not in disabled
        ):
            return False
        if call is None:
            is_free = t.call_id is None or "fail.free" in disabled
            return is_free and (t.attempts >= max_calls or "fail.max" in disabled)
        return t.call_id == call or "fail.call" in disabled

    def _apply_failure(self, t: Thought, p: Parameters) -> None:
        self._store.checks.thought_failed(t, p["step"], p["reason"])
        t.status, t.finished_at, t.call_id, t.not_before, t.error = (
            "failed",
            self._store.clock(),
            None,
            None,
            p["error"],
        )
        t.beat, t.beat_at = t.beat + 1, self._store.clock()
        failure_id = str(t.id) if "fail.turn" in self._disabled else f"{t.id}:{t.turn}"
        headers = json.loads(p["headers"]) | (t.headers or {})
        self._tables.dead_letters[failure_id] = DeadLetter(failure_id, t.id, t.turn, p["reason"], headers, t.event)
        if p["emit"]:  # first, because PostgreSQL executes the last INSERT of the statement first
            self._store.add_outbox_row(p["topic"], str(t.user_id), t.turn, p["event"])
        if "fail.outbox" not in self._disabled:
            self._store.add_outbox_row(p["dead_letter_topic"], str(t.user_id), None, t.event, failure_id, headers)
