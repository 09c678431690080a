"""The invariants that every history must keep."""

from dataclasses import dataclass
from enum import Enum


class Invariant(Enum):
    """What the system promises."""

    TERMINATION = "every accepted thought reaches a terminal state"
    ORDER = "no step starts before the user's earlier thoughts are terminal"
    SAVED_ONCE = "a saved step never runs again"
    PAID_ONCE = "a call is paid twice only if its worker was killed, or was silent for the whole lease"
    RETRY_LIMIT = "a step has at most three retries"
    OFFSETS = "no offset is committed past a non-terminal thought"
    SOLO_QUEUE = "a step whose worker died runs next in the queue `solo`"
    BATCHES = "in batch mode one request is enough for every thought that was accepted before it"
    NO_KAFKA = "without Kafka, dead letters are the only outbox rows"
    JOINED = "every thought of an anonymous user that has joined an account is the account's"
    DEAD_LETTERS = "every failure is in the index once, and in the topic at least once under one failure id"


@dataclass(frozen=True, slots=True)
class Violation:
    """An invariant that was violated, and how."""

    invariant: Invariant
    description: str
