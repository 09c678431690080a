"""The web's side: pages, JSON, the live stream, health and metrics. `flask --app webapp` finds `create_app`."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from flask import Flask

    from contracts.settings import Settings


def create_app(settings: "Settings | None" = None) -> "Flask":
    """The WSGI application; without `settings` they are read from the environment. Connects to nothing.

    Raises SystemExit, with one line a variable, when the settings are unusable.
    """
    # Imported here: gunicorn's parent process loads this package for webapp.gunicorn_conf, and gevent must have patched
    # the standard library in the worker before Flask, redis and SQLAlchemy are loaded.
    from webapp.app import make_app

    return make_app(settings)
