"""What operators do to accounts with `python -m webapp users`, and how the commands report it."""

import io
import json
import re
from collections.abc import Callable
from typing import Any
from uuid import UUID, uuid4

import pytest
import redis
from flask import Flask
from sqlalchemy import text

from contracts import cli
from contracts.database import Database
from contracts.progress import stream_key
from contracts.settings import Settings
from tests.webapp.access import actors
from tests.webapp.accounts.browsers import account_id, sign_in, sign_up
from tests.webapp.accounts.security_log import events, kinds
from tests.webapp.conftest import MakeApp
from tests.webapp.http_client import submit
from webapp.accounts import administration, sign_ins
from webapp.commands import webapp

EMAIL = "ada@example.org"
BY_OPERATOR = {"by": "operator"}


@pytest.fixture
def app(make_app: MakeApp) -> Flask:
    return make_app(trust_user_id=False)


def run(settings: Settings, *arguments: str) -> int:
    """Run a command in this process and return its exit status."""
    return cli.run(webapp, "python -m webapp", ["users", *arguments], settings)


def test_the_list_shows_each_account_in_columns_and_no_anonymous_user(
    app: Flask, settings: Settings, database: Database, capsys: pytest.CaptureFixture[str]
) -> None:
    anonymous = app.test_client()
    anonymous.get("/")
    submit(anonymous)
    sign_up(app, EMAIL)
    sign_up(app, "a-much-longer-address@example.org")
    run(settings, "make-admin", EMAIL)
    run(settings, "disable", "a-much-longer-address@example.org")
    capsys.readouterr()
    assert run(settings, "list") == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split("  ")[0] for line in lines] == [
        str(account_id(database, email)) for email in (EMAIL, "a-much-longer-address@example.org")
    ]
    assert len({line.index("created ") for line in lines}) == 1, "the columns are aligned"
    assert re.search(r"used \d{4}-\d\d-\d\d \d\d:\d\d +administrator$", lines[0])
    assert re.search(r"not signed in +disabled \d{4}-\d\d-\d\d \d\d:\d\d$", lines[1])
    assert run(settings, "list", "--admins", "--json") == 0
    assert [account["email"] for account in json.loads(capsys.readouterr().out)] == [EMAIL]
    assert run(settings, "list", "--limit", "1", "--offset", "1", "--json") == 0
    assert len(json.loads(capsys.readouterr().out)) == 1


@pytest.mark.parametrize(
    ("command", "undo", "state", "kind"),
    [
        ("make-admin", "remove-admin", "an administrator", "made-admin"),
        ("disable", "enable", "disabled", "account-disabled"),
    ],
)
def test_a_change_is_made_once_and_is_in_the_security_log(
    app: Flask, settings: Settings, database: Database, capsys: pytest.CaptureFixture[str],
    command: str, undo: str, state: str, kind: str,
) -> None:  # fmt: skip
    sign_up(app, EMAIL)
    user, before = account_id(database, EMAIL), len(events(database))
    assert run(settings, command, EMAIL.upper()) == 0
    assert run(settings, command, str(user)) == 0
    out = capsys.readouterr().out
    assert out == f"{EMAIL} is now {state}.\n{EMAIL} is already {state}.\n"
    assert events(database)[before:] == [(kind, "", BY_OPERATOR)]
    assert run(settings, undo, EMAIL) == 0
    assert run(settings, undo, EMAIL) == 0
    assert len(events(database)) == before + 2


@pytest.mark.parametrize("command", ["make-admin", "remove-admin", "disable", "enable", "delete"])
@pytest.mark.parametrize(
    "name", ["nobody@example.org", "00000000-0000-4000-8000-000000000000", "\x1b[2J\x00", "anonymous", "deleted"]
)
def test_an_unknown_account_is_one_line_and_status_1(
    app: Flask, settings: Settings, database: Database, command: str, name: str
) -> None:
    sign_up(app, EMAIL)
    deleted = account_id(database, EMAIL)
    anonymous = uuid4()
    database.rows(text("INSERT INTO users (id) VALUES (:id)"), id=anonymous)
    database.rows(text("UPDATE users SET deleted_at = now(), email = NULL WHERE id = :id"), id=deleted)
    named = {"anonymous": str(anonymous), "deleted": str(deleted)}.get(name, name)
    with pytest.raises(SystemExit, match=r"^No account has [^\x00\x1b\n]+$"):
        run(settings, command, named)
    assert kinds(database) == ["account-created"]


def is_there(database: Database, user: UUID) -> bool:
    return bool(database.rows(text("SELECT FROM users WHERE id = :id AND deleted_at IS NULL"), id=user))


def test_an_account_is_deleted_after_a_confirmation(
    app: Flask, settings: Settings, database: Database, monkeypatch: pytest.MonkeyPatch, redis_client: redis.Redis
) -> None:  # fmt: skip
    sign_up(app, EMAIL)
    user = account_id(database, EMAIL)
    history = stream_key(settings.redis_prefix, user)
    redis_client.xadd(history, {"message": "an event of the account"})
    monkeypatch.setattr("sys.stdin", io.StringIO("n\n"))
    assert run(settings, "delete", EMAIL) == cli.INTERRUPTED
    assert is_there(database, user)
    monkeypatch.setattr("sys.stdin", io.StringIO("y\n"))
    assert run(settings, "delete", EMAIL) == 0
    assert not is_there(database, user)
    assert not redis_client.exists(history)
    assert events(database, user)[-1] == ("account-deleted", "", BY_OPERATOR)


def test_an_unavailable_database_is_one_line(settings: Settings) -> None:
    unreachable = settings.model_copy(update={"database_url": "postgresql+psycopg2://x@127.0.0.1:1/x"})
    with pytest.raises(SystemExit, match=r"^PostgreSQL is unavailable[^\n]+$"):
        run(unreachable, "list")


def test_a_wrong_command_has_status_2(settings: Settings, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(settings, "promote", EMAIL) == 2
    assert run(settings, "disable") == 2


def test_a_disabled_account_is_signed_out_at_once_and_cannot_sign_in(
    app: Flask, settings: Settings, database: Database
) -> None:
    browser, other = sign_up(app, EMAIL), sign_in(app, EMAIL)
    user, thought = account_id(database, EMAIL), submit(browser)
    insert_reset(database, user)
    assert run(settings, "disable", EMAIL) == 0
    for client in (browser, other):
        assert client.get(f"/thoughts/{thought}").status_code == 404
    assert count(database, "sign_ins") == count(database, "password_resets") == 0
    with pytest.raises(AssertionError):
        sign_in(app, EMAIL)
    assert database.rows(text("SELECT FROM thoughts WHERE status = 'pending'")), "its thoughts are still analysed"


def test_a_sign_in_that_begins_while_its_account_is_disabled_is_worth_nothing_also_later(
    app: Flask, settings: Settings, database: Database
) -> None:
    sign_up(app, EMAIL)
    user = account_id(database, EMAIL)
    run(settings, "disable", EMAIL)
    late = actors.begin_sign_in(database, user)
    assert sign_ins.find(database, late) is None
    database.rows(
        text("INSERT INTO sign_ins (id, user_id, token_hash) VALUES (:id, :user, :hash)"),
        id=uuid4(), user=user, hash=b"a sign-in of another process at the same moment",
    )  # fmt: skip
    run(settings, "enable", EMAIL)
    assert count(database, "sign_ins") == 0
    assert sign_in(app, EMAIL).get("/account/").status_code == 200


def test_a_repeat_after_a_lost_answer_changes_nothing(app: Flask, database: Database) -> None:
    sign_up(app, EMAIL)
    user = account_id(database, EMAIL)
    changes: list[tuple[Callable[[], bool], str]] = [
        (lambda: administration.set_admin(database, user, is_admin=True), "made-admin"),
        (lambda: administration.disable(database, user), "account-disabled"),
        (lambda: administration.enable(database, user), "account-enabled"),
        (lambda: administration.set_admin(database, user, is_admin=False), "removed-admin"),
    ]
    for change, repeated in changes:
        assert [change(), change()] == [True, False]
        assert kinds(database, user).count(repeated) == 1


def insert_reset(database: Database, user: UUID) -> None:
    statement = text("INSERT INTO password_resets (token_hash, user_id) VALUES (:hash, :user)")
    database.rows(statement, hash=b"link", user=user)


def count(database: Database, table: str) -> int:
    rows: Any = database.rows(text(f"SELECT count(*) FROM {table}"))
    return int(rows[0][0])
