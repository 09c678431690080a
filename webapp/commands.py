"""The commands of `python -m webapp`, for the operator of a site."""

import click

from contracts.cli import with_settings
from contracts.settings import Settings
from webapp.command_database import command_database
from webapp.user_commands import users


@click.group()
def webapp() -> None:
    """Manage the accounts of a site."""


@webapp.command("reset-link")
@click.argument("email")
@click.option("--url", help="The address of the page; PUBLIC_URL by default.")
@with_settings
def reset_link(settings: Settings, email: str, url: str | None) -> int:
    """Print a link with which the owner of the account EMAIL chooses a new password.

    It works once, for an hour; older links of the account end.
    """
    from webapp.account_pages.resets import link_of
    from webapp.accounts import resets, security_events

    with command_database(settings) as database:
        created = resets.create(database, email.strip())
        if created is not None:
            security_events.record(database, "reset-requested", created.user_id, by="operator")
    if created is None:
        click.echo("No account that may sign in has this address.", err=True)
        return 1
    click.echo(link_of((url or settings.public_url or "http://127.0.0.1:8000").rstrip("/"), created.token))
    return 0


webapp.add_command(users)
