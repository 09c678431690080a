"""The commands of `python -m webapp users`: what an operator does to accounts."""

import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import UTC, datetime
from typing import Any, Final
from uuid import UUID

import click

from contracts.cli import with_settings
from contracts.database import Database
from contracts.progress import ProgressPublisher, connect_redis
from contracts.settings import Settings
from contracts.text import clean
from contracts.visible_text import escape_control_chars
from webapp.accounts import administration
from webapp.accounts.account_deletion import UnfinishedDeletionError, delete_account
from webapp.accounts.administration import ListedAccount
from webapp.command_database import command_database

PAGE_SIZE: Final = 50
"""Accounts on a page of `list`."""

MAX_NUMBER: Final = 1_000_000

ACCOUNT: Final = click.argument("account", metavar="ACCOUNT")


@click.group()
def users() -> None:
    """List accounts, disable or delete them, and name administrators.

    ACCOUNT is an e-mail address or an id of `list`.
    """


@users.command("list")
@click.option("--admins", "admins_only", is_flag=True, help="Only administrators.")
@click.option("--limit", type=click.IntRange(1, MAX_NUMBER), default=PAGE_SIZE, show_default=True, help="Rows shown.")
@click.option("--offset", type=click.IntRange(0, MAX_NUMBER), default=0, show_default=True, help="Rows skipped.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@with_settings
def list_command(settings: Settings, *, admins_only: bool, limit: int, offset: int, as_json: bool) -> None:
    """List the accounts, the oldest first.

    Each line: id, e-mail address, day of the sign-up, last request of a sign-in, state.
    """
    with command_database(settings) as database:
        listed = administration.accounts(database, admins_only=admins_only, limit=limit, offset=offset)
    if as_json:
        click.echo(json.dumps([_to_json(account) for account in listed]))
        return
    for line in _aligned([_cells(account) for account in listed]):
        click.echo(line)


@users.command()
@ACCOUNT
@with_settings
def make_admin(settings: Settings, *, account: str) -> None:
    """Let an account see the administrators' page."""
    _change(settings, account, lambda *named: administration.set_admin(*named, is_admin=True), "an administrator")


@users.command()
@ACCOUNT
@with_settings
def remove_admin(settings: Settings, *, account: str) -> None:
    """Take the administrators' page from an account."""
    _change(settings, account, lambda *named: administration.set_admin(*named, is_admin=False), "no administrator")


@users.command()
@ACCOUNT
@with_settings
def disable(settings: Settings, *, account: str) -> None:
    """End the sign-ins of an account and refuse its tokens, until `enable`.

    Its thoughts stay, and those that wait are still analysed.
    """
    _change(settings, account, administration.disable, "disabled")


@users.command()
@ACCOUNT
@with_settings
def enable(settings: Settings, *, account: str) -> None:
    """Let a disabled account sign in again, and its tokens work again."""
    _change(settings, account, administration.enable, "enabled")


@users.command()
@ACCOUNT
@click.option("--yes", is_flag=True, help="Do not ask.")
@with_settings
def delete(settings: Settings, *, account: str, yes: bool) -> None:
    """Delete an account with everything in it. It cannot be undone."""
    with command_database(settings) as database:
        found = _require(database, account)
        email = escape_control_chars(found.email)
        if not yes:
            click.confirm(f"Delete {email} with all thoughts, results and tokens?", abort=True)
        for user_id in _delete(database, found.id):
            _publisher(settings).delete_history(user_id)
    click.echo(f"{email} is deleted.")


def _delete(database: Database, user_id: UUID) -> list[UUID]:
    """Delete the account and return the users whose history must go too. Raises SystemExit when it stays."""
    try:
        return delete_account(database, user_id, by="operator")
    except UnfinishedDeletionError as error:
        raise SystemExit(str(error)) from None


def _publisher(settings: Settings) -> ProgressPublisher:
    return ProgressPublisher(connect_redis(settings.redis_url), settings.redis_prefix)


def _change(settings: Settings, name: str, change: Callable[[Database, Any], bool], state: str) -> None:
    with command_database(settings) as database:
        account = _require(database, name)
        is_changed = change(database, account.id)
    click.echo(f"{escape_control_chars(account.email)} is {'now' if is_changed else 'already'} {state}.")


def _require(database: Database, name: str) -> ListedAccount:
    """Return the account that a person named. Raises SystemExit when there is none."""
    account = administration.find(database, str(clean(name)).strip())
    if account is None:
        shown = escape_control_chars(name)
        raise SystemExit(f"No account has the e-mail address or id {shown}. `python -m webapp users list` shows all.")
    return account


def _cells(account: ListedAccount) -> tuple[str, ...]:
    used = f"used {_minute(account.last_used_at)}" if account.last_used_at else "not signed in"
    email = escape_control_chars(account.email)
    return str(account.id), email, f"created {_minute(account.created_at)}", used, ", ".join(_states(account))


def _states(account: ListedAccount) -> Iterator[str]:
    if account.is_admin:
        yield "administrator"
    if account.disabled_at:
        yield f"disabled {_minute(account.disabled_at)}"


def _aligned(rows: Sequence[Sequence[str]]) -> Iterable[str]:
    """Yield a line for each row, with its cells in columns."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        yield "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()


def _to_json(account: ListedAccount) -> dict[str, Any]:
    times = {name: getattr(account, name) for name in ("created_at", "last_used_at", "disabled_at")}
    iso_times = {name: time and time.astimezone(UTC).isoformat() for name, time in times.items()}
    return {"id": str(account.id), "email": account.email, "is_admin": account.is_admin, **iso_times}


def _minute(time: datetime) -> str:
    return f"{time.astimezone(UTC):%Y-%m-%d %H:%M}"
