"""The web: pages, JSON API, live stream, health and metrics. `flask --app webapp` finds `create_app`."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from flask import Flask

    from contracts.settings import Settings


def create_app(settings: "Settings | None" = None) -> "Flask":
    """Return the WSGI application, which connects to nothing yet. Without `settings`, read them from the environment.

    Raises SystemExit, with one line for each variable, when the settings are invalid.
    """
    # Imported here: gunicorn's parent process loads this package for webapp.gunicorn_conf, and gevent must patch the
    # standard library in the worker before Flask, redis and SQLAlchemy are loaded.
    from webapp.app import make_app

    return make_app(settings)
