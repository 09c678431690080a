"""The commands of `python -m webapp`, for the operator of a site."""

import click

from contracts.cli import with_settings
from contracts.database import Database, make_engine
from contracts.settings import Settings
from webapp.user_commands import users


@click.group()
def webapp() -> None:
    """The accounts of a site."""


@webapp.command("reset-link")
@click.argument("email")
@click.option("--url", help="The address of the page; PUBLIC_URL by default.")
@with_settings
def reset_link(settings: Settings, email: str, url: str | None) -> int:
    """Print a link with which the owner of the account EMAIL chooses another password.

    It works once, for an hour; older links of the account end.
    """
    from webapp.account_pages.resets import link_of
    from webapp.accounts import resets, security_events

    database = Database(make_engine(settings.database_url, "web"))
    created = resets.create(database, email.strip())
    if created is None:
        click.echo("No account that may sign in has this address.", err=True)
        return 1
    security_events.record(database, "reset-requested", created[0], by="operator")
    click.echo(link_of((url or settings.public_url or "http://127.0.0.1:8000").rstrip("/"), created[1]))
    return 0


webapp.add_command(users)
