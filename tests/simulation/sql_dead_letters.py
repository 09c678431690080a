"""Dead letters: insert, Replay, Resend, Discard."""

import json
from types import SimpleNamespace

from bridge.dead_letters import insert, replay
from contracts.replay import REPLAY
from tests.simulation.store import Parameters, Rows, Statements, Store
from tests.simulation.tables import DeadLetter, Thought


class DeadLetterStatements:
    """The statements of the table `dead_letters`."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._tables = store.tables
        self._disabled = store.disabled

    def statements(self) -> Statements:
        return {
            insert.INSERT_DEAD_LETTER: self._insert_dead_letter,
            REPLAY: self._replay,
            replay.RESEND: self._resend,
            replay.DISCARD: self._discard,
        }

    def _insert_dead_letter(self, p: Parameters) -> Rows:
        failure_id, headers = p["failure"], json.loads(p["headers"])
        if failure_id in self._tables.dead_letters and "dead_letter.once" not in self._disabled:
            return []
        if failure_id in self._tables.dead_letters:
            failure_id += "'"  # without the unique key the table would hold two of them
        self._tables.dead_letters[failure_id] = DeadLetter(failure_id, None, None, p["reason"], headers, p["value"])
        self._store.add_outbox_row(p["topic"], None, None, p["value"], failure_id, headers)
        return []

    def _replay(self, p: Parameters) -> Rows:
        letter = self._tables.dead_letters.get(p["failure"])
        if letter is None:
            return []
        t = self._tables.thoughts.get(letter.thought_id) if letter.thought_id else None
        before = {"state": letter.state, "replayed_turn": letter.replayed_turn, "status": t.status if t else None}
        is_open = letter.state in p["states"] or "replay.open" in self._disabled
        turn = None
        if t is not None and is_open and self._has_failed(t, letter):
            self._store.checks.thought_replayed(t, letter, p["states"])
            turn = self._put_back(t, p)
            letter.state, letter.replayed_turn = "replayed", turn
        is_thought, left_out = letter.thought_id is not None, letter.headers.get("value_left_out")
        too_large = letter.headers["error_class"] == "TooLarge" if "error_class" in letter.headers else None
        flags = {"is_thought": is_thought, "left_out": left_out, "too_large": too_large}
        return [SimpleNamespace(turn=turn, **flags, **before)]

    def _has_failed(self, t: Thought, letter: DeadLetter) -> bool:
        same_turn = t.turn == letter.turn or "replay.turn" in self._disabled
        return same_turn and (t.status == "failed" or "replay.failed" in self._disabled)

    def _put_back(self, t: Thought, p: Parameters) -> int:
        if "replay.new_turn" not in self._disabled:
            self._tables.users[t.user_id] += 1
            t.turn = self._tables.users[t.user_id]
        t.write_order = self._store.checks.next_write_order()
        t.status, t.finished_at, t.started_at, t.error, t.not_before = "pending", None, None, None, None
        t.call_id = None
        t.dispatch_id += "replay.token" not in self._disabled
        t.attempts = t.attempts if "replay.attempts" in self._disabled else 0
        t.losses = t.losses if "replay.losses" in self._disabled else 0
        t.sends = t.sends if "replay.sends" in self._disabled else 0
        t.emissions = 0
        t.beat += 1
        t.emitted_at = self._store.clock() if p["emit"] else None
        if p["emit"]:
            self._store.add_outbox_row(p["topic"], str(t.user_id), t.turn, t.event, headers=t.headers)
        return t.turn

    def _resend(self, p: Parameters) -> Rows:
        letter = self._tables.dead_letters.get(p["failure"])
        is_open = letter is not None and (letter.state == "open" or "resend.open" in self._disabled)
        if letter is None or not is_open or letter.thought_id is not None:
            return []
        self._store.checks.dead_letter_closed(letter)
        letter.state = "replayed"
        others = [pair for pair in letter.headers.get("original_headers") or [] if pair[0] != replay.REPLAY_OF_HEADER]
        headers = {
            "original_key": letter.headers.get("original_key"),
            "original_headers": [*json.loads(p["mark"]), *others],
        }
        return [SimpleNamespace(id=self._store.add_outbox_row(p["topic"], None, None, letter.value, headers=headers))]

    def _discard(self, p: Parameters) -> Rows:
        letter = self._tables.dead_letters.get(p["failure"])
        if letter is None:
            return []
        state, is_closed = letter.state, letter.state == "open" or "discard.open" in self._disabled
        if is_closed:
            self._store.checks.dead_letter_closed(letter)
            letter.state = "discarded"
        return [SimpleNamespace(state=state, closed=is_closed)]
