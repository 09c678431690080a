"""The guards of the protocol, and the search for a history that violates an invariant without one of them."""

from dataclasses import dataclass
from typing import Final

from tests.simulation.directed_histories import DIRECTED_HISTORIES
from tests.simulation.histories import draw, play
from tests.simulation.invariants import Violation


@dataclass(frozen=True, slots=True)
class Guard:
    """A guard, by the name under which `sql_*.py`, `database.py`, `workers.py` or `guard_switches.py` removes it."""

    name: str
    rule: str


@dataclass(frozen=True, slots=True)
class Detection:
    """The first violation without a guard. `histories` counts those played; `seed` is None for a directed history."""

    histories: int
    seed: int | None
    violation: Violation


GUARDS: Final = (
    Guard("accept.id", "Accept: a repeated id returns the first thought"),
    Guard("accept.owner", "Accept: another user's thought contradicts"),
    Guard("accept.text", "Accept: a thought of another text contradicts"),
    Guard("accept.lock", "Accept: turns are given under the lock of the user's row"),
    Guard("accept.joined", "Accept: a thought of a user that has joined an account is the account's"),
    Guard("accept.again", "Accept: a join that commits at the same moment makes it store nothing"),
    Guard("decide.head", "Decide: the head is the smallest open turn, whichever record is asked about"),
    Guard("decide.lock", "Decide: the head is chosen first and locked afterwards"),
    Guard("decide.recheck", "Decide: the locked row must still be the chosen head"),
    Guard("decide.terminal", "Decide: a record is done only when its thought is terminal"),
    Guard("decide.turn", "Decide: a record is done when its thought failed in the record's turn"),
    Guard("decide.failed", "Decide: a record of a turn that its thought never had is not done"),
    Guard("decide.owner", "Decide: a record of another user's thought contradicts"),
    Guard("decide.joined", "Decide: a record of a line that joined an account is done"),
    Guard("decide.beat", "Decide: a takeover needs the beat that was watched"),
    Guard("decide.dispatch", "Decide: a takeover needs the dispatch id that was watched"),
    Guard("decide.new_token", "Decide: a call with an expired lease is replaced under a new dispatch id"),
    Guard("decide.same_token", "Decide: an unclaimed message is sent again with the same dispatch id"),
    Guard("decide.clears_call", "Decide: a takeover ends the call of the worker presumed dead"),
    Guard("claim.status", "Claim: the thought must be processing"),
    Guard("claim.token", "Claim: the message must have the current dispatch id"),
    Guard("claim.saved", "Claim: the step must not be saved yet"),
    Guard("claim.step", "Claim: the previous step must be saved"),
    Guard("claim.call", "Claim: one call at a time"),
    Guard("claim.repeat", "Claim: the call in progress may claim again"),
    Guard("claim.counts_once", "Claim: a repeated claim counts once"),
    Guard("claim.max", "Claim: at most four calls of a step"),
    Guard("claim.counts_first", "Claim: a call is counted before it starts"),
    Guard("claim.not_before", "Claim: a retry waits for its time"),
    Guard("renew.call", "Renew: a call that is not in progress is fenced"),
    Guard("renew.locked", "Renew: a call whose row is locked is not fenced"),
    Guard("save.call", "Save: only by the call in progress"),
    Guard("save.repeat", "Save: a repeat is answered `saved`"),
    Guard("save.attempts", "Save: the next step starts with no attempts"),
    Guard("save.losses", "Save: the next step starts with no losses"),
    Guard("save.sends", "Save: the next step starts with one send"),
    Guard("retry.call", "Retry: only by the call in progress"),
    Guard("defer.attempt", "Defer: a deferred call gives back its attempt"),
    Guard("defer.service", "Defer: an outage gives back the attempts that the service failed before"),
    Guard("defer.call", "Defer: only by the call in progress"),
    Guard("defer.token", "Defer: only with the current dispatch id"),
    Guard("defer.step", "Defer: only at the next step"),
    Guard("defer.free", "Defer without a call: no call may be in progress"),
    Guard("defer.max", "Defer without a call: an attempt must be left"),
    Guard("fail.status", "Fail: the thought must be processing"),
    Guard("fail.call", "Fail: only by the call in progress"),
    Guard("fail.token", "Fail: only with the current dispatch id"),
    Guard("fail.step", "Fail: only at the next step"),
    Guard("fail.free", "Fail without a call: no call may be in progress"),
    Guard("fail.max", "Fail without a call: all calls must be used"),
    Guard("fail.turn", "Fail: the failure id contains the turn"),
    Guard("fail.outbox", "Fail: the dead letter's outbox row is written with the state"),
    Guard("fail.repeat", "Fail: a repeat is answered as the first try"),
    Guard("dead_letter.once", "Dead letter: one row per failure id"),
    Guard("dead_letter.id", "Dead letter: the failure id is made of the record's place and bytes"),
    Guard("replay.open", "Replay: only an open dead letter, by its author also a discarded one"),
    Guard("replay.turn", "Replay: only in the turn that failed"),
    Guard("replay.failed", "Replay: only a failed thought"),
    Guard("replay.new_turn", "Replay: the thought moves to the end of its line"),
    Guard("replay.token", "Replay: a new dispatch id invalidates the messages of the earlier turn"),
    Guard("replay.attempts", "Replay: the new turn starts with no attempts"),
    Guard("replay.losses", "Replay: the new turn starts with no losses"),
    Guard("replay.sends", "Replay: the new turn starts with no sends"),
    Guard("resend.open", "Resend: only an open dead letter"),
    Guard("discard.open", "Discard: only an open dead letter"),
    Guard("republish.position", "Republish: only a dead letter whose position in the topic has not changed"),
    Guard("republish.pending", "Republish: no dead letter that is in the outbox"),
    Guard("rebuild.existing", "Rebuild: an existing dead letter stays as it is"),
    Guard("delete.repeat", "Delete: a deleted thought stays as it is"),
    Guard("delete.token", "Delete: a new dispatch id invalidates the earlier messages"),
    Guard("delete.call", "Delete: the call in progress is fenced"),
    Guard("cancel.open", "Cancel: a thought that has ended stays as it is"),
    Guard("cancel.turn", "Cancel: only in the turn that the author saw"),
    Guard("cancel.token", "Cancel: a new dispatch id invalidates the earlier messages"),
    Guard("cancel.call", "Cancel: the call in progress is fenced"),
    Guard("cancel.dead_letter", "Cancel: a dead letter proves that the turn has ended"),
    Guard("delete.vector", "Delete: a vector that was just being stored is erased too"),
    Guard("vector.deleted", "StoreVector: only for a thought that is not deleted"),
    Guard("vector.lock", "StoreVector: a deletion in progress comes first"),
    Guard("similar.user", "Similar: only thoughts of the same user"),
    Guard("similar.before", "Similar: only thoughts that were written before"),
    Guard("similar.completed", "Similar: only completed thoughts"),
    Guard("reuse.completed", "Source: only a completed thought"),
    Guard("reuse.whole", "Source: all of its results have the same key"),
    Guard("reuse.read", "Source: none that read a thought which was deleted since"),
    Guard("reuse.deleted", "SavedRun: only while the source is completed and not deleted"),
    Guard("reuse.key", "SavedRun: only with the key of the step"),
    Guard("join.once", "JoinAccount: a user joins one account"),
    Guard("join.seen", "JoinAccount: nothing while one of the two lines grows"),
    Guard("join.turn", "JoinAccount: open thoughts go to the end of the account's line"),
    Guard("join.large_turn", "JoinAccount: new turns are larger than every former turn of both lines"),
    Guard("join.waits", "JoinAccount: a thought in work behind others waits for its turn"),
    Guard("join.call", "JoinAccount: a call in progress goes on"),
    Guard("join.record", "JoinAccount: each open thought gets a record of the account's line"),
    Guard("join.vector", "JoinAccount: a vector that was just being stored is moved too"),
    Guard("call.turn", "Save, Retry, Defer: a call of a former line leaves its thought pending"),
    Guard("relay.acknowledged", "Relay: only acknowledged rows are deleted"),
    Guard("relay.lock", "Relay: one leader at a time"),
    Guard("relay.idle", "Relay: a suspended leader loses the lock"),
    Guard("sweep.emits", "Sweep: an idle line is emitted again"),
    Guard("sweep.newest", "Sweep: one record of the newest thought wakes the whole line"),
    Guard("sweep.never_emitted", "Sweep: a thought that was never emitted is emitted at once"),
    Guard("sweep.pause", "Sweep: the pause between two emissions doubles"),
    Guard("sweep.beat", "Sweep: a line that is being processed is not emitted"),
    Guard("lane.outage", "Lane: a failed Decide restarts all leases"),
    Guard("lane.beat", "Lane: a changed beat restarts the lease"),
    Guard("lane.lease", "Lane: a takeover waits for the whole lease, which doubles for queued messages"),
    Guard("lane.frontier", "Lane: no commit past an open offset"),
    Guard("lane.accepted", "Lane: an accepted record is not done"),
    Guard("lane.resend", "Lane: a message that may not have been sent is sent again"),
    Guard("source.topic_id", "Source: no commit for a topic of another id"),
    Guard("source.start", "Source: an offset of another log is not used"),
    Guard("source.earliest", "Source: without a usable offset the earliest record is read first"),
    Guard("source.corrupt", "Source: a record that cannot be decoded becomes a dead letter"),
    Guard("source.end", "Source: the frontier advances to the end of the log, also behind a transaction marker"),
    Guard("source.lost", "Source: no commit for a lost partition"),
    Guard("source.epoch", "Source: a log that lost its tail and grew again is detected"),
    Guard("source.retry", "Source: a rejected commit is repeated"),
    Guard("batch.users", "Batches: the users of a batch are added to the lane"),
    Guard("batch.shared", "Request: a batch that has not begun serves later requests too"),
    Guard("batch.cutoff", "Waiting: only thoughts accepted before the batch was requested"),
    Guard("batch.held", "Waiting: no users that the lane holds already"),
    Guard("batch.begun", "End: only a batch that has begun"),
    Guard("batch.end", "End: only when all its thoughts are terminal"),
    Guard("gate.wait", "Gate: while the service is unavailable, its failures are not counted"),
    Guard("gate.probe", "Gate: a service that was unavailable is probed"),
    Guard("gate.prober", "Gate: a dead prober is replaced"),
    Guard("gate.calls", "Gate: calls of dead workers give back their places"),
    Guard("gate.bound", "Gate: a step asks again within a minute"),
    Guard("worker.claim_age", "Worker: an old claim is renewed before the agent is called"),
    Guard("worker.renewal", "Worker: calls in progress are renewed"),
    Guard("worker.retries", "Worker: a statement is repeated until PostgreSQL answers"),
    Guard("worker.last_try", "Worker: while shutting down, a claim without an answer is tried once more"),
    Guard("worker.confirm", "Worker: a rejection by Save or Fail is confirmed by a repeat"),
    Guard("worker.fence", "Worker: a call missing from the renewal's answer is cancelled"),
    Guard("worker.result", "Worker: a call with a result is renewed beyond its deadline"),
    Guard("worker.call_id", "Worker: every execution has its own call id"),
)


def detect(guard: Guard, max_histories: int, first_seed: int = 0) -> Detection | None:
    """Play histories without the guard until one violates an invariant; the directed history, where there is one."""
    disabled = frozenset({guard.name})
    if guard.name in DIRECTED_HISTORIES:
        violation = play(DIRECTED_HISTORIES[guard.name], disabled).violation
        return None if violation is None else Detection(1, None, violation)
    for number in range(max_histories):
        violation = play(draw(first_seed + number), disabled).violation
        if violation is not None:
            return Detection(number + 1, first_seed + number, violation)
    return None
