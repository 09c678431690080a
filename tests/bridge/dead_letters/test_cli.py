"""The words of `python -m bridge dead-letters`: what they may hold."""

from uuid import UUID

import pytest
from sqlalchemy import text

from contracts.database import Database
from contracts.settings import Settings
from tests.bridge.dead_letters.command_output import said, told


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (["replay"], "--all means every open dead letter"),
        (["discard"], "--all means every open dead letter"),
        (["discard", "an-id", "--all"], "ids, or filters, or --all"),
        (["replay", "an-id", "--reason", "lost"], "ids, or filters, or --all"),
        (["list", "--since", "yesterday"], "neither an ISO time nor an age"),
        (["list", "--since", "999999w"], "neither an ISO time nor an age"),
        (["list", "--user", "me"], "not a valid UUID"),
        (["list", "--thought", "mine"], "not a valid UUID"),
        (["list", "--limit", "0"], "not in the range"),
        (["replay", "--all", "--rate", "0"], "not in the range"),
        (["replay", "--all", "--rate", "nan"], "not a number"),
        (["replay", "--all", "--rate", "fast"], "not a valid float"),
        (["list", "--state", "lost"], "is not one of"),
    ],
    ids=" ".join,
)
def test_words_that_make_no_sense_change_nothing_and_say_why(settings: Settings, words: list[str], why: str) -> None:
    done = said(settings, *words)
    assert (done.returncode, done.stdout) == (2, "")
    assert why in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("since", ["2020-01-01", "2020-01-01T10:00:00+02:00", "3d", "90m", "5s", "1w"])
def test_times_and_ages_are_understood(settings: Settings, database: Database, user_id: UUID, since: str) -> None:
    database.rows(text("INSERT INTO dead_letters (failure_id, reason, headers) VALUES ('f', 'r', '{}')"))
    assert [one["failure_id"] for one in told(settings, "list", "--since", since)] == ["f"]
