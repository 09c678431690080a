"""A worker is reported while Celery's event loop runs and steps are accepted."""

from types import SimpleNamespace
from typing import Any
from unittest.mock import ANY

from contracts.presence import ProcessReport
from tasks.worker_report import WorkerReport


def consumer(*queues: str, slots: int = 40, is_refused: bool = False) -> Any:
    """The attributes of Celery's consumer that a report reads."""
    task_consumer = SimpleNamespace(
        queues=[SimpleNamespace(name=queue) for queue in queues], channel=SimpleNamespace(is_refused=is_refused)
    )
    return SimpleNamespace(loop_iterations=0, pool=SimpleNamespace(limit=slots), task_consumer=task_consumer)


def described(report: ProcessReport | None) -> tuple[str, int] | None:
    return (report.kind, report.slots) if report else None


def test_a_worker_reports_its_queue_and_its_slots() -> None:
    assert described(WorkerReport(consumer("thoughts"), lambda: False)()) == ("worker", 40)
    assert described(WorkerReport(consumer("solo", slots=1), lambda: False)()) == ("solo", 1)


def test_a_worker_whose_event_loop_has_not_run_since_the_last_report_is_not_reported() -> None:
    stalled = consumer("thoughts")
    report = WorkerReport(stalled, lambda: False)
    first = report()
    assert first is not None
    assert report() is None
    stalled.loop_iterations += 1
    assert report() == first, "with the same id"


def test_a_worker_that_accepts_no_steps_is_not_reported() -> None:
    assert WorkerReport(consumer("thoughts"), lambda: True)() is None


def test_a_worker_that_can_receive_no_step_is_not_reported() -> None:
    assert WorkerReport(consumer(), lambda: False)() is None, "an operator has ended the consumption of its queue"
    assert WorkerReport(consumer("another"), lambda: False)() is None


def test_a_worker_that_redis_gives_no_message_is_blocked() -> None:
    assert [WorkerReport(consumer("thoughts", is_refused=refused), lambda: False)() for refused in (True, False)] == [
        ProcessReport("worker", ANY, slots=40, is_blocked=refused) for refused in (True, False)
    ]


def test_a_worker_that_also_consumes_solo_steps_counts_as_a_worker() -> None:
    assert described(WorkerReport(consumer("solo", "thoughts"), lambda: False)()) == ("worker", 40)
