"""Gunicorn's configuration: `python -m gunicorn --config python:webapp.gunicorn_conf webapp:create_app()`.

One worker a parent process: a worker has one Redis subscription and one limit of streams. More processes on the same
port are how the web grows, hence `reuse_port`.
"""

import signal
from types import FrameType
from typing import Any

from contracts.logs import configure_logging
from contracts.settings import Settings, SettingsError, load_settings

worker_class = "gevent"
workers = 1
reuse_port = True
control_socket_disable = True
"""The default control socket is one a user, whatever the instance."""

graceful_timeout = 5
keepalive = 2
errorlog = "-"
accesslog = None
loglevel = "info"

SPARE_CONNECTIONS = 1000
"""Connections a worker takes beside those of its streams."""


def on_starting(server: Any) -> None:
    """End the parent with one line where the settings are unusable, instead of restarting workers for ever."""
    settings = usable_settings()
    server.cfg.set("worker_connections", settings.sse_max_connections + SPARE_CONNECTIONS)


def usable_settings() -> Settings:
    """The settings, or the end of the process: SECRET_KEY is optional for the others, but not for the web."""
    try:
        settings = load_settings()
        settings.require_secret_key()
    except SettingsError as unusable:
        raise SystemExit(f"Cannot start. {unusable}") from None
    return settings


def post_worker_init(worker: Any) -> None:
    """Connect after the fork, and close the open streams as soon as the worker is told to stop."""
    import gevent

    services = worker.wsgi.extensions["services"]
    configure_logging(services.settings.log_format)
    services.start()
    stop = signal.getsignal(signal.SIGTERM)

    def stop_streams_too(number: int, frame: FrameType | None) -> None:
        gevent.spawn(services.close)  # a signal handler itself must not block
        if callable(stop):
            stop(number, frame)

    signal.signal(signal.SIGTERM, stop_streams_too)
