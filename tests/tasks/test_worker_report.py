"""A worker is reported while Celery's event loop runs and steps are accepted."""

from types import SimpleNamespace
from typing import Any

from contracts.presence import ProcessReport
from tasks.worker_report import WorkerReport


def consumer(queue: str, slots: int) -> Any:
    """The attributes of Celery's consumer that a report reads."""
    return SimpleNamespace(
        loop_iterations=0,
        pool=SimpleNamespace(limit=slots),
        task_consumer=SimpleNamespace(queues=[SimpleNamespace(name=queue)]),
    )


def described(report: ProcessReport | None) -> tuple[str, int] | None:
    return (report.kind, report.slots) if report else None


def test_a_worker_reports_its_queue_and_its_slots() -> None:
    assert described(WorkerReport(consumer("thoughts", 40), lambda: False)()) == ("worker", 40)
    assert described(WorkerReport(consumer("solo", 1), lambda: False)()) == ("solo", 1)


def test_a_worker_whose_event_loop_has_not_run_since_the_last_report_is_not_reported() -> None:
    stalled = consumer("thoughts", 40)
    report = WorkerReport(stalled, lambda: False)
    first = report()
    assert first is not None
    assert report() is None
    stalled.loop_iterations += 1
    assert report() == first, "with the same id"


def test_a_worker_that_accepts_no_steps_is_not_reported() -> None:
    assert WorkerReport(consumer("thoughts", 40), lambda: True)() is None
