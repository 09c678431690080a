"""The checks of all invariants: during a history, and at its end."""

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from contracts.dead_letters import CANCELLED
from tests.simulation.invariants import Invariant
from tests.simulation.kafka import Message
from tests.simulation.step_checks import StepChecks
from tests.simulation.tables import DeadLetter, Thought


@dataclass
class InvariantChecks(StepChecks):
    """Observes a history."""

    check_external_accept: Callable[[Thought], None] = lambda _: None
    """Called with each thought that a bridge stores."""
    writes: int = 0
    """Accepts and replays so far."""
    _accepted: set[UUID] = field(default_factory=set)
    _in_batch: set[UUID] = field(default_factory=set)
    _acknowledged: set[UUID] = field(default_factory=set)

    def next_write_order(self) -> int:
        """Return the position of a thought that is written now, behind all that were written before."""
        self.writes += 1
        return self.writes

    def thought_stored(self, thought: Thought) -> None:
        """Note a new thought; a bridge stores those of external producers."""
        if self.current_process is not None and self.current_process.kind == "bridge":
            self.check_external_accept(thought)
        self._lines[thought.user_id].append(thought)
        self._accepted.add(thought.id)

    def thought_moved(self, t: Thought, former_user: UUID, former_turn: int) -> None:
        """Note that a thought came from an anonymous user to an account, an open one behind all others."""
        self.thought_left_its_line(t, former_user, former_turn)
        if t.is_open:
            t.write_order = self.next_write_order()

    def check_joined(self, thoughts: Iterable[Thought], account_of: Mapping[UUID, UUID]) -> None:
        """Check that no thought stayed with an anonymous user that has joined an account."""
        for t in thoughts:
            if t.user_id in account_of:
                self.violate(Invariant.JOINED, f"thought {t.id.int} is still the anonymous user's")

    def thought_acknowledged(self, thought_id: UUID) -> None:
        """Note that a client was told that its thought is accepted."""
        self._acknowledged.add(thought_id)

    def batch_requested(self, asked_at: float, thoughts: Iterable[Thought]) -> None:
        """Note the thoughts of a batch. One that a clock dated later waits for the next batch."""
        self._in_batch |= {thought.id for thought in thoughts if thought.created_at <= asked_at}

    def check_batches(self, thoughts: dict[UUID, Thought]) -> None:
        """Check the batches when nothing more happens in batch mode without another request."""
        for thought_id in self._in_batch:
            if thoughts[thought_id].is_open:
                self.violate(
                    Invariant.BATCHES, f"thought {thought_id.int} was accepted before a batch was requested, and waits"
                )

    def outbox_row_added(self, topic: str) -> None:
        """Check that the mode allows an outbox row for this topic."""
        settings = self.current_process.settings if self.current_process else None
        if settings and not settings.kafka_enabled and topic != settings.kafka_dead_letter_topic:
            self.violate(Invariant.NO_KAFKA, f"an outbox row for {topic} was added, and Kafka is disabled")

    def thought_replayed(self, t: Thought, letter: DeadLetter, states: Collection[str]) -> None:
        """Check a replay of a dead letter in one of the states. The thought leaves its batch."""
        self._in_batch.discard(t.id)
        if t.status != "failed":
            self.violate(Invariant.TERMINATION, f"a {t.status} thought was replayed")
        self.dead_letter_closed(letter, states)

    def dead_letter_closed(self, letter: DeadLetter, states: Collection[str] = ("open",)) -> None:
        """Check that a dead letter is replayed once, and discarded once. An author may replay a discarded one."""
        if letter.state not in states:
            self.violate(Invariant.DEAD_LETTERS, f"a {letter.state} dead letter was closed again")

    def was_terminal(self, t: Thought, turn: int | None, written: int) -> bool:
        """Return whether a thought was terminal in the turn of a record. `written`: the writes before that record.

        A record without a turn is about the first turn. So is a record with a turn that the thought did not have when
        the record was written, because any producer may write any turn.
        """
        if (t.id, turn) in self._failures:
            return True
        had_turn = turn == t.turn and written >= t.write_order
        return t.finished_at is not None or (not had_turn and any(failed == t.id for failed, _ in self._failures))

    def has_dead_letter(self, message: Message, index: dict[str, DeadLetter]) -> bool:
        """Return whether a record that makes no thought is in the index."""
        origin = {
            "partition": message.partition_number,
            "offset": message.log_offset,
            "timestamp": message.timestamp_ms,
        }
        return any(origin.items() <= _origin(letter).items() for letter in index.values() if letter.thought_id is None)

    def check_end(self, thoughts: dict[UUID, Thought]) -> None:
        """Check the thoughts when nothing more will happen: all must be terminal."""
        for thought_id in self._acknowledged - set(thoughts):
            self.violate(Invariant.TERMINATION, f"thought {thought_id.int} was acknowledged and does not exist")
        for t in thoughts.values():
            if t.is_open:
                self.violate(
                    Invariant.TERMINATION, f"thought {t.id.int} stays {t.status} forever, at step {t.steps_done + 1}"
                )
            last = 5 if t.status == "completed" else t.steps_done
            if any((t.id, step) not in self._saved for step in range(1, last + 1)):
                self.violate(Invariant.TERMINATION, f"thought {t.id.int} is {t.status} without all its results")

    def check_dead_letters(self, index: dict[str, DeadLetter], topic: Iterable[str | None]) -> None:
        """Compare the index of dead letters with the failures, and with the failure ids in the topic."""
        of_thoughts = Counter((letter.thought_id, letter.turn) for letter in index.values() if letter.thought_id)
        if of_thoughts != Counter(self._failures):
            self.violate(
                Invariant.DEAD_LETTERS, f"{len(self._failures)} thoughts failed, {of_thoughts.total()} are in the index"
            )
        records = (letter for letter in index.values() if letter.thought_id is None)
        origins = Counter(str((sorted(_origin(letter).items()), letter.value)) for letter in records)
        if any(number > 1 for number in origins.values()):
            self.violate(Invariant.DEAD_LETTERS, "one record is in the index twice")
        published = set(topic)
        expected = {failure_id for failure_id, letter in index.items() if letter.reason != CANCELLED}
        if published != expected:
            missing, unknown = expected - published, published - expected
            self.violate(
                Invariant.DEAD_LETTERS, f"{len(missing)} are not in the topic, {len(unknown)} are not in the index"
            )


def _origin(letter: DeadLetter) -> dict[str, Any]:
    origin: dict[str, Any] = letter.headers.get("origin") or {}
    return origin


class NoChecks(InvariantChecks):
    """Checks nothing, because random statements violate the invariants."""

    def call_taken_over(self, t: Any) -> None:
        pass

    def attempts_given_back(self, t: Any, call: Any, earlier: int) -> None:
        pass

    def violate(self, *_: Any) -> None:
        pass
