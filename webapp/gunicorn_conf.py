"""Gunicorn's configuration: `python -m gunicorn --config python:webapp.gunicorn_conf webapp:create_app()`.

Each parent process has one worker, because a worker has one Redis subscription and one limit of streams. The web scales
by more processes on the same port, hence `reuse_port`.
"""

import os
import sys
from typing import Any

from contracts.database import Database, make_engine
from contracts.database_check import require_usable_database
from contracts.installation import InstallationWatch, check_or_exit
from contracts.kafka_tls import check_kafka_tls
from contracts.logs import configure_logging
from contracts.settings import Settings, SettingsError, check_web_variables, load_settings

try:
    check_web_variables()  # here, because with GUNICORN_CMD_ARGS=--daemon nobody would see a later error
except SettingsError as error:
    raise SystemExit(f"Cannot start. {error}") from None

worker_class = "webapp.server.worker.WebWorker"
workers = 1
reuse_port = True
control_socket_disable = True
"""Gunicorn's default control socket is shared by all instances of one system user."""

graceful_timeout = 12
keepalive = 2
sendfile = False
"""A file is sent in parts like every other answer, because the deadline of an answer moves with its parts."""

limit_request_line = 8190
limit_request_field_size = 32 * 1024
"""A browser sends the cookies of all ports of a host. `webapp.server.connection` limits all headers together."""

forwarder_headers = ""
"""By default, a client of this machine can send SCRIPT_NAME and PATH_INFO, and gets a 500 when they do not fit."""

errorlog = "-"
accesslog = None
access_log_format = '%(h)s %(t)s "%(m)s %(U)s %(H)s" %(s)s %(b)s "%(a)s"'
"""For an operator who turns the access log on. Without the query and the Referer, which may hold the ticket of a
stream."""

logger_class = "webapp.server.masking_logger.MaskingLogger"

loglevel = "info"

STATEMENT_TIMEOUT_SECONDS = 2.5


def on_starting(server: Any) -> None:
    """Stop the parent with one line when the settings are invalid, instead of restarting workers forever.

    The same for a database that cannot be used, and for names in Redis that belong to another installation.

    After SIGUSR2 the parent starts itself again, by the path of the file that runs. With `python -m` that file lies in
    gunicorn's package, whose modules would then hide some of Python's, so it is started as a module again.
    """
    settings = _load_web_settings()
    require_usable_database(settings.database_url)
    engine = make_engine(settings.database_url, "web", statement_seconds=STATEMENT_TIMEOUT_SECONDS)
    check_or_exit(InstallationWatch(settings, Database(engine)))
    engine.dispose()
    server.START_CTX["args"] = [sys.executable, "-m", "gunicorn", *sys.argv[1:]]


def pre_exec(server: Any) -> None:
    """Let the new parent start after SIGUSR2: it expects the numbers of listening sockets, which only workers have."""
    server.LISTENERS = [_NoListener()]


class _NoListener:
    """Stands for the parent's listening sockets, of which it has none with `reuse_port`."""

    def fileno(self) -> int:
        """Return a number that the new parent reads and, for the same reason, never uses."""
        return 0


def _load_web_settings() -> Settings:
    """Return the settings. Raises SystemExit when they are invalid or lack SECRET_KEY, which only the web requires."""
    try:
        settings = load_settings()
        settings.require_secret_key()
        if settings.kafka_enabled:
            check_kafka_tls(settings)
    except SettingsError as error:
        raise SystemExit(f"Cannot start. {error}") from None
    return settings


def post_fork(_server: Any, worker: Any) -> None:
    """Let the kernel select the new worker's sockets too; a program of a worker that ended may exclude them."""
    from webapp.server import reuseport

    for listener in worker.sockets:
        reuseport.detach(listener)


def post_worker_init(worker: Any) -> None:
    """Connect after the fork."""
    services = worker.wsgi.extensions["services"]
    configure_logging(services.settings.log_format)
    services.start()
    InstallationWatch(services.settings, services.database, pid=os.getppid()).start()
