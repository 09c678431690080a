"""Says what a thought waits for, in a sentence for its author. Pure."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final, Literal

from contracts.presence import ProcessKind, SeenProcess
from contracts.settings import Settings
from webapp.readiness.probe import Outcome
from webapp.readiness.redis_check import RedisFindings

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
class _Cause:
    """Why thoughts wait: a clause, and the end of the sentence that says until when."""

    clause: str
    until: str = "it is back"
    pace: Pace = "waiting"


_KAFKA: Final = _Cause("Kafka is unavailable")
_REDIS: Final = _Cause("Redis is unavailable")
_MODEL: Final = _Cause("the model service is unavailable")


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


def count_kinds(processes: Iterable[SeenProcess], *, with_blocked: bool = True) -> dict[str, int]:
    """Return how many processes of each kind were seen."""
    return dict(Counter(process.report.kind for process in processes if with_blocked or not process.report.is_blocked))


def start_wait(settings: Settings, findings: Findings) -> Wait:
    """Return why the analysis of a stored thought cannot start now."""
    causes = [_KAFKA] if settings.consumes_kafka and not findings.kafka.ok else []
    needed: list[ProcessKind] = ["relay", "bridge", "worker"] if settings.consumes_kafka else ["bridge", "worker"]
    return _wait([*causes, *_shared_causes(findings, needed), *_model_causes(findings)], "starts")


def continue_wait(findings: Findings) -> Wait:
    """Return why the analysis of a thought that has begun cannot continue now.

    Its page says itself when a step waits for a model.
    """
    return _wait(_shared_causes(findings, ["worker"]), "continues")


def batch_wait(findings: Findings) -> Wait:
    """Return why no nightly batch would be requested and worked on now."""
    return _wait(_shared_causes(findings, ["beat", "bridge", "worker"]), "starts")


def _shared_causes(findings: Findings, needed: list[ProcessKind]) -> list[_Cause]:
    if not (findings.redis.ok and findings.broker.ok):
        return [_REDIS]
    seen = count_kinds(findings.processes or (), with_blocked=not findings.kafka.ok)
    missing = [kind for kind in needed if kind not in seen]
    return [_missing(missing)] if missing else []


def _model_causes(findings: Findings) -> list[_Cause]:
    return [_MODEL] if findings.redis.value and findings.redis.value.unavailable_models else []


def _missing(kinds: list[ProcessKind]) -> _Cause:
    *others, last = kinds
    if others:
        return _Cause(f"no {', '.join(others)} or {last} is running", "they are back", "fast")
    return _Cause(f"no {last} is running", "one is back", "fast")


def _wait(causes: list[_Cause], verb: str) -> Wait:
    if not causes:
        return Wait()
    *others, last = causes
    cause = last
    if others:
        cause = _Cause(f"{', '.join(other.clause for other in others)} and {last.clause}", "they are back")
    text = f"{cause.clause}; the analysis {verb} when {cause.until}."
    return Wait(f"{text[0].upper()}{text[1:]}", cause.pace)
