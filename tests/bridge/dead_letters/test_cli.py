"""The command line of `python -m bridge dead-letters` accepts valid arguments and rejects others."""

from uuid import UUID

import pytest
from sqlalchemy import text

from contracts.database import Database
from contracts.settings import Settings
from tests.bridge.dead_letters.command_output import run_command, run_json


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        (["replay"], "Give ids, filters, or --all"),
        (["discard"], "Give ids, filters, or --all"),
        (["discard", "an-id", "--all"], "Give either ids, or filters, or --all."),
        (["replay", "an-id", "--reason", "lost"], "Give either ids, or filters, or --all."),
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
def test_the_command_rejects_invalid_arguments_with_a_reason(
    settings: Settings, arguments: list[str], error: str
) -> None:
    result = run_command(settings, *arguments)
    assert (result.returncode, result.stdout) == (2, "")
    assert error in result.stderr
    assert "Traceback" not in result.stderr


@pytest.mark.parametrize("since", ["2020-01-01", "2020-01-01T10:00:00+02:00", "3d", "90m", "5s", "1w"])
def test_since_accepts_times_and_ages(settings: Settings, database: Database, user_id: UUID, since: str) -> None:
    database.rows(text("INSERT INTO dead_letters (failure_id, reason, headers) VALUES ('f', 'r', '{}')"))
    assert [letter["failure_id"] for letter in run_json(settings, "list", "--since", since)] == ["f"]
