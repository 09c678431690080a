"""All actions by their names, and how often each happens where it happens at all."""

from typing import Final

from tests.simulation import deaths, everyday, outages, people, records
from tests.simulation.choice import Action
from tests.simulation.fibers import Fate
from tests.simulation.lateness import bridge_step, bridges, relays, requests, steps

EVERYDAY: Final[dict[str, tuple[Action, float]]] = {
    "write": (everyday.write, 6),
    "write mine": (everyday.write_mine, 1),
    "request": (everyday.request, 3),
    "onward": (everyday.onward, 16),
    "work": (everyday.work, 34),
    "take": (everyday.take, 12),
    "turn": (everyday.turn, 4),
    "relay": (everyday.relay, 2),
    "moment": (everyday.moment, 5),
    "while": (everyday.while_, 2),
    "mend": (everyday.mend, 4),
}
"""What always happens, and how often."""

FAULTS: Final[dict[str, tuple[Action, float]]] = {
    "step late": (steps(Fate.LATE), 3),
    "step's answer lost": (steps(Fate.LOST), 3),
    "step not asked": (steps(Fate.AWAY), 2),
    "agent busy": (steps(Fate.TRANSIENT, agent=True), 4),
    "agent refuses": (steps(Fate.PERMANENT, agent=True), 1),
    "agent talks nonsense": (steps(Fate.INVALID, agent=True), 2),
    "result unstorable": (steps(Fate.UNSTORABLE, agent=True), 0.5),
    "bridge step": (bridge_step, 4),
    "bridge late": (bridges(Fate.LATE), 2),
    "bridge's answer lost": (bridges(Fate.LOST), 2),
    "bridge not answered": (bridges(Fate.AWAY), 2),
    "half sent": (bridges(Fate.TRANSIENT), 1),
    "relay step": (relays(Fate.GO), 3),
    "relay late": (relays(Fate.LATE), 2),
    "relay's answer lost": (relays(Fate.LOST), 2),
    "relay not answered": (relays(Fate.AWAY), 1),
    "half published": (relays(Fate.TRANSIENT), 3),
    "request step": (requests(Fate.GO), 2),
    "request late": (requests(Fate.LATE), 1),
    "request's answer lost": (requests(Fate.LOST), 2),
    "request not answered": (requests(Fate.AWAY), 1),
    "write again": (everyday.write_again, 1),
    "kill worker": (deaths.killed("worker"), 1.5),
    "kill in call": (deaths.kill_in_call, 2),
    "kill bridge": (deaths.killed("bridge"), 1),
    "kill relay": (deaths.killed("relay"), 1),
    "kill web": (deaths.killed("web"), 0.5),
    "stop worker": (deaths.stopped("worker"), 1),
    "stop before call": (deaths.stop_before_call, 2),
    "stop bridge": (deaths.stopped("bridge"), 1),
    "stop relay": (deaths.stopped("relay"), 1),
    "stop web": (deaths.stopped("web"), 0.3),
    "resume": (deaths.resume, 3),
    "long while": (everyday.long_while, 2),
    "postgres away": (outages.postgres_away, 1),
    "outage": (outages.outage, 1),
    "clock jump": (outages.clock_jump, 1),
    "lock head": (outages.lock_head, 3),
    "late commit": (outages.late_commit, 2),
    "kafka away": (outages.kafka_away, 1),
    "slow queue": (outages.slow_queue, 0.7),
    "message of anybody": (outages.message_of_anybody, 1),
    "log replaced": (records.log_replaced, 0.5),
    "log lost": (outages.log_lost, 0.7),
    "records expire": (outages.records_expire, 0.7),
    "rebalance": (outages.rebalance, 1.5),
    "partition lost": (outages.partition_lost, 1.5),
    "redis away": (outages.redis_away, 0.7),
    "redis flushed": (outages.redis_flushed, 0.7),
    "redis saved": (outages.redis_saved, 1),
    "redis restored": (outages.redis_restored, 0.7),
    "delivered again": (outages.delivered_again, 1.5),
    "sent twice": (outages.sent_twice, 1.5),
    "news": (outages.news, 1),
    "record again": (records.record_again, 1.5),
    "foreign": (records.foreign, 2),
    "garbage": (records.garbage, 0.7),
    "replayed": (people.replayed, 3),
    "discarded": (people.discarded, 0.5),
    "deleted": (people.deleted, 0.7),
    "other mode": (people.other_mode, 0.5),
    "batch asked": (people.batch_asked, 0.7),
}
"""What goes wrong; each history draws some of them."""

ACTIONS: Final = {name: action for name, (action, _) in {**EVERYDAY, **FAULTS}.items()}
