"""Gunicorn's configuration: `python -m gunicorn --config python:webapp.gunicorn_conf webapp:create_app()`.

Each parent process has one worker, because a worker has one Redis subscription and one limit of streams. The web scales
by more processes on the same port, hence `reuse_port`.
"""

import os
import signal
from types import FrameType
from typing import Any

from contracts.database import Database, make_engine
from contracts.installation import InstallationWatch, check_or_exit
from contracts.logs import configure_logging
from contracts.settings import Settings, SettingsError, load_settings

worker_class = "gevent"
workers = 1
reuse_port = True
control_socket_disable = True
"""Gunicorn's default control socket is shared by all instances of one system user."""

graceful_timeout = 5
keepalive = 2
errorlog = "-"
accesslog = None
loglevel = "info"

STATEMENT_TIMEOUT_SECONDS = 2.5

SPARE_CONNECTIONS = 1000
"""Connections that a worker accepts in addition to its streams."""


def on_starting(server: Any) -> None:
    """Stop the parent with one line when the settings are invalid, instead of restarting workers forever.

    The same for names in Redis that belong to another installation.
    """
    settings = _load_web_settings()
    engine = make_engine(settings.database_url, "web", statement_seconds=STATEMENT_TIMEOUT_SECONDS)
    check_or_exit(InstallationWatch(settings, Database(engine)))
    engine.dispose()
    server.cfg.set("worker_connections", settings.sse_max_connections + SPARE_CONNECTIONS)


def _load_web_settings() -> Settings:
    """Return the settings. Raises SystemExit when they are invalid or lack SECRET_KEY, which only the web requires."""
    try:
        settings = load_settings()
        settings.require_secret_key()
    except SettingsError as error:
        raise SystemExit(f"Cannot start. {error}") from None
    return settings


def post_worker_init(worker: Any) -> None:
    """Connect after the fork, and close the open streams as soon as the worker receives SIGTERM."""
    import gevent

    services = worker.wsgi.extensions["services"]
    configure_logging(services.settings.log_format)
    services.start()
    InstallationWatch(services.settings, services.database, pid=os.getppid()).start()
    stop_worker = signal.getsignal(signal.SIGTERM)

    def stop_streams_and_worker(number: int, frame: FrameType | None) -> None:
        gevent.spawn(services.close)  # a signal handler itself must not block
        if callable(stop_worker):
            stop_worker(number, frame)

    signal.signal(signal.SIGTERM, stop_streams_and_worker)
