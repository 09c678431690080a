"""What a thought waits for, in words."""

import pytest

from contracts.presence import ProcessKind, ProcessReport, SeenProcess
from contracts.settings import Settings
from webapp.readiness.probe import Outcome
from webapp.readiness.redis_check import RedisFindings
from webapp.readiness.waits import Findings, batch_wait, continue_wait, start_wait

BROKEN: Outcome[None] = Outcome(problem="It is broken.")
EVERYTHING: tuple[ProcessKind, ...] = ("web", "relay", "bridge", "worker", "solo", "beat")


def findings(
    *missing: str, blocked: str = "", model: str = "", kafka: bool = True, redis: bool = True, broker: bool = True
) -> Findings:
    reports = [ProcessReport(kind, kind, is_blocked=kind == blocked) for kind in EVERYTHING if kind not in missing]
    processes = [SeenProcess(report, 0.0) for report in reports]
    found = RedisFindings(tuple(processes), ({"model": model},) if model else ())
    return Findings(
        redis=Outcome(found) if redis else Outcome(problem="Redis is unavailable."),
        kafka=Outcome() if kafka else BROKEN,
        broker=Outcome() if broker else BROKEN,
    )


@pytest.mark.parametrize(
    ("found", "sentence"),
    [
        (findings(), ""),
        (findings("solo", "beat", "web"), ""),
        (findings(kafka=False), "Kafka is unavailable; the analysis starts when it is back."),
        (findings(redis=False), "Redis is unavailable; the analysis starts when it is back."),
        (findings(broker=False), "Redis is unavailable; the analysis starts when it is back."),
        (findings("relay"), "No relay is running; the analysis starts when one is back."),
        (findings("bridge"), "No bridge is running; the analysis starts when one is back."),
        (findings("worker"), "No worker is running; the analysis starts when one is back."),
        (findings("bridge", "worker"), "No bridge or worker is running; the analysis starts when they are back."),
        (findings(blocked="relay"), "No relay is running; the analysis starts when one is back."),
        (findings(blocked="worker"), "No worker is running; the analysis starts when one is back."),
        (findings(blocked="relay", kafka=False), "Kafka is unavailable; the analysis starts when it is back."),
        (findings(model="a"), "The model service is unavailable; the analysis starts when it is back."),
        (
            findings("worker", kafka=False, model="a"),
            "Kafka is unavailable, no worker is running and the model service is unavailable; "
            "the analysis starts when they are back.",
        ),
    ],
)
def test_a_stored_thought_waits_for_whatever_does_not_run(settings: Settings, found: Findings, sentence: str) -> None:
    assert start_wait(settings, found).text == sentence


def test_in_batch_mode_neither_kafka_nor_a_relay_is_needed(settings: Settings) -> None:
    batch_mode = settings.model_copy(update={"kafka_mode": False})
    assert not start_wait(batch_mode, findings("relay", kafka=False))
    assert not batch_wait(findings("relay", kafka=False))
    assert batch_wait(findings("beat")).text == "No beat is running; the analysis starts when one is back."


def test_an_analysis_that_has_begun_needs_redis_and_a_worker() -> None:
    assert not continue_wait(findings("relay", "bridge", kafka=False, model="a"))
    assert continue_wait(findings("worker")).text == "No worker is running; the analysis continues when one is back."
    assert continue_wait(findings(redis=False)).text == "Redis is unavailable; the analysis continues when it is back."


def test_a_page_looks_more_often_for_a_process_than_for_the_end_of_an_outage(settings: Settings) -> None:
    assert start_wait(settings, findings("worker")).pace == "fast"
    assert start_wait(settings, findings(kafka=False)).pace == "waiting"
    assert start_wait(settings, findings("worker", kafka=False)).pace == "waiting"
