"""The log has one line for each change of a model's availability, and an alarm names the cure."""

import logging
from itertools import pairwise

import pytest
from sqlalchemy.exc import OperationalError

from contracts.model_state import ModelState, Outage
from tasks.admission.reporting import report_changes

AVAILABLE = ModelState()


def unavailable(cause: str = "outage", cure: str = "", message: str = "It does not answer.") -> ModelState:
    return ModelState(outage=Outage(0.0, cause, message, cure, probe_at=5.0, probe_interval=5.0))


def lines(caplog: pytest.LogCaptureFixture, *states: ModelState, waiting: int = 12) -> list[tuple[int, str]]:
    """Return the level and the text of the lines for a sequence of states."""
    report = report_changes(lambda: waiting)
    with caplog.at_level(logging.INFO):
        for before, after in pairwise(states):
            report("openai:gpt", before, after)
    return [(record.levelno, record.getMessage()) for record in caplog.records]


def test_an_outage_is_one_line_and_its_end_another(caplog: pytest.LogCaptureFixture) -> None:
    assert lines(caplog, AVAILABLE, AVAILABLE, unavailable(), unavailable(), AVAILABLE) == [
        (logging.ERROR, "ALARM: the model openai:gpt is unavailable, 12 thoughts wait: It does not answer."),
        (logging.INFO, "The model openai:gpt is available again."),
    ]


def test_an_alarm_names_the_cure(caplog: pytest.LogCaptureFixture) -> None:
    refused = unavailable("refused_key", "OpenAI refuses the key in OPENAI_API_KEY (401)")
    assert lines(caplog, AVAILABLE, refused, waiting=1) == [
        (
            logging.ERROR,
            "ALARM: the model openai:gpt is unavailable, 1 thought waits: "
            "OpenAI refuses the key in OPENAI_API_KEY (401)",
        )
    ]


def test_another_cause_of_the_same_outage_is_a_change(caplog: pytest.LogCaptureFixture) -> None:
    assert len(lines(caplog, AVAILABLE, unavailable(), unavailable("quota", "Top up."), unavailable("quota"))) == 2


def test_a_service_that_asks_for_fewer_calls_is_one_line(caplog: pytest.LogCaptureFixture) -> None:
    halved = ModelState(limit=4.0, halved_at=7.0)
    assert lines(caplog, AVAILABLE, halved, ModelState(limit=4.2, halved_at=7.0)) == [
        (logging.WARNING, "The model openai:gpt asks for fewer calls: now 4 calls at the same time.")
    ]


def test_without_postgresql_the_line_is_written_all_the_same(caplog: pytest.LogCaptureFixture) -> None:
    def count() -> int:
        raise OperationalError("SELECT", {}, Exception("gone"))

    report_changes(count)("openai:gpt", AVAILABLE, unavailable())
    assert any("ALARM: the model openai:gpt is unavailable" in record.getMessage() for record in caplog.records)
