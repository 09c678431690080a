"""Says what a thought waits for, in a sentence for its author. Pure."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final, Literal

from contracts.presence import ProcessKind, SeenProcess
from contracts.settings import Settings
from webapp.readiness.probe import Outcome
from webapp.readiness.redis_check import RedisFindings

KAFKA: Final = "Kafka is unavailable"
REDIS: Final = "Redis is unavailable"
MODEL: Final = "the model service is unavailable"


Pace = Literal["fast", "waiting", "slow"]
"""How often a page looks for changes. A process that is missing is usually back within seconds; an outage may last, and
the next batch is hours away."""


@dataclass(frozen=True, slots=True)
class Wait:
    """What a thought waits for, in a sentence. It is false, with an empty text, when nothing must happen first."""

    text: str = ""
    pace: Pace = "fast"

    def __bool__(self) -> bool:
        return bool(self.text)

    def __str__(self) -> str:
        return self.text


@dataclass(frozen=True, slots=True)
class Findings:
    """The last outcomes of the checks that decide whether a thought is worked on."""

    redis: Outcome[RedisFindings]
    kafka: Outcome[None]
    broker: Outcome[None]

    @property
    def processes(self) -> tuple[SeenProcess, ...] | None:
        """The processes that reported lately, or None while Redis cannot tell."""
        return self.redis.value.processes if self.redis.value else None


def required_kinds(settings: Settings) -> list[ProcessKind]:
    """Return the kinds of processes, besides this web, that must run in the mode of these settings."""
    kinds: list[ProcessKind] = ["relay"] if settings.kafka_enabled else []
    kinds += ["bridge", "worker", "solo"]
    return kinds if settings.consumes_kafka else [*kinds, "beat"]


def count_kinds(processes: Iterable[SeenProcess]) -> dict[str, int]:
    """Return how many processes of each kind were seen."""
    return dict(Counter(process.report.kind for process in processes))


def start_wait(settings: Settings, findings: Findings) -> Wait:
    """Return why the analysis of a stored thought cannot start now."""
    clauses = [KAFKA] if settings.consumes_kafka and not findings.kafka.ok else []
    needed: list[ProcessKind] = ["relay", "bridge", "worker"] if settings.consumes_kafka else ["bridge", "worker"]
    return _wait([*clauses, *_shared_clauses(findings, needed), *_model_clauses(findings)], "starts")


def continue_wait(findings: Findings) -> Wait:
    """Return why the analysis of a thought that has begun cannot continue now.

    Its page says itself when a step waits for a model.
    """
    return _wait(_shared_clauses(findings, ["worker"]), "continues")


def batch_wait(findings: Findings) -> Wait:
    """Return why no nightly batch would be requested and worked on now."""
    return _wait(_shared_clauses(findings, ["beat", "bridge", "worker"]), "starts")


def _shared_clauses(findings: Findings, needed: list[ProcessKind]) -> list[str]:
    if not (findings.redis.ok and findings.broker.ok):
        return [REDIS]
    seen = count_kinds(findings.processes or ())
    missing = [kind for kind in needed if kind not in seen]
    return [f"no {_alternatives(missing)} is running"] if missing else []


def _model_clauses(findings: Findings) -> list[str]:
    return [MODEL] if findings.redis.value and findings.redis.value.unavailable_models else []


def _alternatives(kinds: list[ProcessKind]) -> str:
    *others, last = kinds
    return f"{', '.join(others)} or {last}" if others else last


def _wait(clauses: list[str], verb: str) -> Wait:
    if not clauses:
        return Wait()
    *others, last = clauses
    text = f"{', '.join(others)} and {last}" if others else last
    is_process = text.startswith("no ")
    subject = "they are" if others or " or " in text else "one is" if is_process else "it is"
    pace: Pace = "fast" if is_process and not others else "waiting"
    return Wait(f"{text[0].upper()}{text[1:]}; the analysis {verb} when {subject} back.", pace)
