"""All kinds of faults, and how they are drawn."""

import random
from collections.abc import Sequence

from tests.faults.clock_steps import step_clock
from tests.faults.context import Fault
from tests.faults.faults import (
    cut_off_all,
    cut_off_one,
    flush_redis,
    kill,
    kill_all,
    refuse,
    restart,
    restart_store,
    stop_kafka_for_long,
    suspend,
    wipe_redis,
)
from tests.faults.junk import change_type_in_redis, put_junk_into_redis
from tests.faults.neighbour import add_second_installation
from tests.faults.slow_clients import crowd_with_slow_clients
from tests.faults.store_states import demote_redis, exhaust_redis_memory, fill_disk, make_postgres_read_only

FAULTS: dict[Fault, int] = {
    kill: 24,
    kill_all: 5,
    suspend: 14,
    flush_redis: 4,
    wipe_redis: 4,
    restart_store: 8,
    stop_kafka_for_long: 2,
    cut_off_all: 6,
    cut_off_one: 8,
    refuse: 4,
    restart: 8,
    put_junk_into_redis: 4,
    change_type_in_redis: 4,
    make_postgres_read_only: 4,
    demote_redis: 4,
    exhaust_redis_memory: 4,
    fill_disk: 3,
    crowd_with_slow_clients: 4,
    step_clock: 5,
    add_second_installation: 3,
}
"""Fault -> weight: about how often in a hundred and twenty rounds."""


def kind_of(fault: Fault) -> str:
    """Return the name of a kind of fault, as the option and the table have it."""
    return fault.__name__.replace("_", "-")


KINDS: dict[str, Fault] = {kind_of(fault): fault for fault in FAULTS}


def draw(rng: random.Random, rounds: int, kinds: Sequence[str] = ()) -> list[Fault]:
    """Return random faults, of all kinds by their weights, or of these kinds in turn and in random order."""
    if not kinds:
        return rng.choices(list(FAULTS), list(FAULTS.values()), k=rounds)
    faults: list[Fault] = []
    while len(faults) < rounds:
        faults += rng.sample([KINDS[kind] for kind in kinds], len(kinds))
    return faults[:rounds]
