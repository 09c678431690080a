"""The table of guards: what each of them is, and how many histories go by until its absence is noticed."""

from dataclasses import dataclass
from typing import Final

from tests.simulation.directed import DIRECTED
from tests.simulation.histories import draw, play
from tests.simulation.sentences import Breach


@dataclass(frozen=True, slots=True)
class Guard:
    """A guard by its name where it is switched off: `sql_*.py`, `database.py`, `workers.py` or `switches.py`."""

    name: str
    what: str


@dataclass(frozen=True, slots=True)
class Caught:
    """How a guard's absence was noticed: after so many histories, at this one; or by a written one."""

    runs: int
    seed: int | None
    breach: Breach


GUARDS: Final = (
    Guard("accept.id", "Accept: the same id again finds the first thought"),
    Guard("accept.owner", "Accept: a thought of another user contradicts"),
    Guard("accept.text", "Accept: a thought of another text contradicts"),
    Guard("accept.lock", "Accept: turns are given under the lock of the user's row"),
    Guard("decide.head", "Decide: the smallest open turn, whichever record rang"),
    Guard("decide.lock", "Decide: the head is locked after it is chosen"),
    Guard("decide.same", "Decide: what is locked is still what was chosen"),
    Guard("decide.open", "Decide: only a terminal thought's record is done"),
    Guard("decide.turn", "Decide: a record of a turn in which its thought has failed is done"),
    Guard("decide.failed", "Decide: one of a turn that its thought never had is not"),
    Guard("decide.owner", "Decide: a thought is its author's"),
    Guard("decide.beat", "Decide: taken over only with the beat that was watched"),
    Guard("decide.dispatch", "Decide: taken over only with the dispatch that was watched"),
    Guard("decide.new_token", "Decide: a silent call's successor has a new token"),
    Guard("decide.same_token", "Decide: a silent message is sent again with the same token"),
    Guard("decide.frees", "Decide: the take ends the call of a worker presumed dead"),
    Guard("claim.status", "Claim: the thought is in work"),
    Guard("claim.token", "Claim: the message is of the dispatch in force"),
    Guard("claim.saved", "Claim: the step is not saved yet"),
    Guard("claim.step", "Claim: the step before is saved"),
    Guard("claim.call", "Claim: one call at a time"),
    Guard("claim.same_call", "Claim: the call in progress may ask again"),
    Guard("claim.once", "Claim: who asks again is counted once"),
    Guard("claim.max", "Claim: no fifth call"),
    Guard("claim.counts", "Claim: a call is counted before it is made"),
    Guard("claim.not_before", "Claim: a retry waits"),
    Guard("renew.call", "Renew: only the call in progress lives"),
    Guard("renew.locked", "Renew: a row that somebody has locked is not fenced"),
    Guard("save.call", "Save: only by the call in progress"),
    Guard("save.repeat", "Save: a repeat hears that it was saved"),
    Guard("save.attempts", "Save: the calls of the next step are counted anew"),
    Guard("save.losses", "Save: the next step has lost no worker"),
    Guard("save.sends", "Save: the next step's message was sent once"),
    Guard("retry.call", "Retry: only by the call in progress"),
    Guard("fail.status", "Fail: only what is in work"),
    Guard("fail.call", "Fail: only by the call in progress"),
    Guard("fail.token", "Fail: only by the dispatch in force"),
    Guard("fail.step", "Fail: only at the step that is next"),
    Guard("fail.free", "Fail without a call: nobody has one in progress"),
    Guard("fail.max", "Fail without a call: all calls are used up"),
    Guard("fail.turn", "Fail: the failure id names the turn"),
    Guard("fail.outbox", "Fail: the dead letter's event is written with the state"),
    Guard("fail.repeat", "Fail: a repeat hears that it has failed"),
    Guard("bury.conflict", "Bury: one failure id, one dead letter"),
    Guard("bury.id", "Bury: the failure id is the record's place and bytes"),
    Guard("replay.open", "Replay: only what is open"),
    Guard("replay.turn", "Replay: only in the turn that failed"),
    Guard("replay.failed", "Replay: only what has failed"),
    Guard("replay.new_turn", "Replay: at the end of the line"),
    Guard("replay.token", "Replay: the messages of the turn before are void"),
    Guard("replay.attempts", "Replay: the calls are counted anew"),
    Guard("replay.losses", "Replay: no worker was lost in this turn"),
    Guard("replay.sends", "Replay: nothing was sent in this turn"),
    Guard("resend.open", "Resend: only what is open"),
    Guard("discard.open", "Discard: only what is open"),
    Guard("publish.place", "Publish: only what still has the place where it is missed"),
    Guard("publish.waits", "Publish: nothing that waits in the outbox"),
    Guard("restore.there", "Restore: what is there stays"),
    Guard("delete.again", "Delete: what is deleted already is left alone"),
    Guard("delete.token", "Delete: the messages of before are void"),
    Guard("delete.call", "Delete: the call in progress is fenced"),
    Guard("relay.exactly", "Relay: deletes exactly what was acknowledged"),
    Guard("relay.lock", "Relay: one leader at a time"),
    Guard("relay.idle", "Relay: a stopped leader loses the lock"),
    Guard("sweep", "Sweep: what is quiet is emitted again"),
    Guard("sweep.newest", "Sweep: the newest of a line rings for all of it"),
    Guard("sweep.new", "Sweep: what never had a record is not waited for"),
    Guard("sweep.pause", "Sweep: the pause between two emissions, which doubles"),
    Guard("sweep.beat", "Sweep: a line at work is left alone"),
    Guard("lane.anew", "Lane: watches begin anew after a failed question"),
    Guard("lane.beat", "Lane: a beat ends the silence"),
    Guard("lane.patience", "Lane: the whole patience, doubled for messages in a queue"),
    Guard("lane.frontier", "Lane: nothing past a gap is committed"),
    Guard("lane.stored", "Lane: what is stored is not done"),
    Guard("lane.silence", "Lane: what is not known to be sent is sent again"),
    Guard("log.id", "Source: no commit for the log of another topic id"),
    Guard("log.start", "Source: an offset of another log is not begun at"),
    Guard("log.earliest", "Source: without a usable offset begin at the earliest"),
    Guard("log.damage", "Source: what nobody can decode is buried and not passed by in silence"),
    Guard("log.end", "Source: a log's end is read to, though no record stands there"),
    Guard("log.lost", "Source: nothing is committed for a lost partition"),
    Guard("log.epoch", "Source: a log that lost its tail and grew again is another one"),
    Guard("log.answered", "Source: a commit that was refused is made again"),
    Guard("batch.feeds", "Batches: the users of the batch are rung for"),
    Guard("batch.later", "Request: a batch that nobody has begun is of whoever asks last"),
    Guard("batch.asked", "Waiting: only who wrote before the batch was asked for"),
    Guard("batch.held", "Waiting: only users whom the lane does not hold"),
    Guard("batch.begun", "End: only a batch that has begun"),
    Guard("batch.end", "End: only when all of it has ended"),
    Guard("worker.fresh", "Worker: looks again before it pays when the claim is old"),
    Guard("worker.renews", "Worker: renews its calls"),
    Guard("worker.holds", "Worker: repeats a statement until it is answered"),
    Guard("worker.asks", "Worker: told to end, it asks once more for a claim that may be its own"),
    Guard("worker.sure", "Worker: a no to Save or Fail is asked for twice"),
    Guard("worker.fence", "Worker: a call missing from the renewal's answer is cancelled"),
    Guard("worker.held", "Worker: a held result is renewed beyond the deadline"),
    Guard("worker.call_id", "Worker: a call id of its own for each execution"),
)


def catch(guard: Guard, runs: int, first: int = 0) -> Caught | None:
    """Play histories without the guard until one breaks the promise; the written one, where there is one."""
    off = frozenset({guard.name})
    if guard.name in DIRECTED:
        breach = play(DIRECTED[guard.name], off).breach
        return None if breach is None else Caught(1, None, breach)
    for number in range(runs):
        breach = play(draw(first + number), off).breach
        if breach is not None:
            return Caught(number + 1, first + number, breach)
    return None
