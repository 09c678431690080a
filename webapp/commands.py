"""The commands of `python -m webapp`, for the operator of a site. The web itself is started by gunicorn."""

import click

from webapp.user_commands import users


@click.group()
def webapp() -> None:
    """The accounts of a site."""


webapp.add_command(users)
