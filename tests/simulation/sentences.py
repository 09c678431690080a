"""The promise, sentence by sentence."""

from dataclasses import dataclass
from enum import Enum


class Sentence(Enum):
    """The promise."""

    ENDS = "every accepted thought reaches a terminal state"
    ORDER = "no step starts before the thought written earlier is terminal"
    ONCE = "a saved step is never run again"
    PAID = "a call is paid twice only if its worker was killed or silent for the patience"
    RETRIES = "three retries stay three"
    OFFSETS = "an offset is never committed past a non-terminal thought"
    ALONE = "a step whose worker died is taken alone the next time"
    BATCHES = "in batch mode one request is enough for every thought that was accepted before it"
    QUIET = "without Kafka nothing is written for it but dead letters"
    LETTERS = "every failure is once in the index and at least once, with one failure id, in the topic"


@dataclass(frozen=True, slots=True)
class Breach:
    """A sentence, and what broke it."""

    sentence: Sentence
    what: str
