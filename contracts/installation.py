"""PostgreSQL -> all processes -> Redis, Kafka, Celery: the identity of an installation, and its claim on its names.

A database holds the id of its installation. What leaves it carries the id: records of Kafka and messages of Celery in a
header, the bridges in their client ids, and Redis in one key, `{prefix}:installation`. Without the id, a second
database with the same names would take the first one's work: its workers and bridges know none of these thoughts.

A process that finds another id in Redis refuses to start. When Redis has lost the key, the next process writes it.
"""

import logging
import os
import signal
import threading
from collections.abc import Callable
from itertools import repeat
from typing import Any, Final
from uuid import UUID

import redis
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from contracts.database import Database, describe_error
from contracts.progress import connect_redis
from contracts.refusals import redis_trouble
from contracts.retry import retry
from contracts.settings import Settings
from contracts.trouble_log import log_trouble

log = logging.getLogger(__name__)

CHECK_SECONDS: Final = 5.0
"""The interval at which a process checks, and renews, its installation's claim."""

RETRY_SECONDS: Final = 1.0

INSTALLATION_ID: Final = text("SELECT CAST(id AS text) AS id FROM installation")
"""Returns the one row that the migration wrote; no row if somebody has deleted it."""

WRITE_INSTALLATION_ID: Final = text("INSERT INTO installation DEFAULT VALUES ON CONFLICT (one) DO NOTHING RETURNING id")
"""Writes a new id unless there is one, so that two processes never write two."""


class ForeignInstallationError(Exception):
    """Raised when another installation uses the same names. The message is one line that says what to change."""


def read_installation_id(database: Database) -> str:
    """Return the id of the database's installation. Raises SQLAlchemyError when PostgreSQL is unavailable."""
    if not (row := database.row(INSTALLATION_ID)):
        database.rows(WRITE_INSTALLATION_ID)
        row = database.rows(INSTALLATION_ID)[0]
    return str(row.id)


def wait_for_installation_id(
    database: Database, stop: threading.Event, touch_heartbeat: Callable[[], object]
) -> str | None:
    """Return the id as soon as PostgreSQL answers; None when `stop` is set before.

    The heartbeat is touched meanwhile.
    """

    def pause(error: Exception, delay: float) -> None:
        touch_heartbeat()
        log.warning("PostgreSQL is unavailable, the work starts when it answers: %s", describe_error(error))
        if stop.wait(delay):
            raise error

    try:
        return retry(
            lambda: read_installation_id(database),
            errors=SQLAlchemyError,
            delays=repeat(RETRY_SECONDS),
            on_retry=pause,
            sleep=lambda _: None,
        )
    except SQLAlchemyError:
        return None


def installation_key(prefix: str) -> str:
    """Return the key in Redis that holds the id of the installation to which the prefix belongs."""
    return f"{prefix}:installation"


def claim_redis(settings: Settings, installation_id: str) -> None:
    """Claim the prefix on the Redis of progress and on that of Celery, unless this installation has it already.

    Raises ForeignInstallationError when another installation has it, redis.RedisError when Redis is unavailable.
    """
    for name, client in _redis_servers(settings).items():
        with client:
            _claim(client, installation_key(settings.redis_prefix), name, installation_id)


def take_over_redis(settings: Settings, installation_id: str) -> None:
    """Give the prefix to this installation, also when another one has it.

    Raises redis.RedisError when Redis is unavailable.
    """
    for client in _redis_servers(settings).values():
        with client:
            client.set(installation_key(settings.redis_prefix), installation_id)


def _redis_servers(settings: Settings) -> dict[str, redis.Redis]:
    """Return a client for each Redis in use, by the setting that names it."""
    servers = {"REDIS_URL": settings.redis_url}
    if settings.broker_url != settings.redis_url and settings.broker_url.startswith(("redis://", "rediss://")):
        servers["CELERY_BROKER_URL"] = settings.broker_url
    return {name: connect_redis(url) for name, url in servers.items()}


def _claim(client: redis.Redis, key: str, server: str, installation_id: str) -> None:
    client.set(key, installation_id, nx=True)
    stored: Any = client.get(key)
    holder = installation_id if stored is None else stored.decode("utf-8", "replace")
    if not _is_id(holder):
        log.error("The key %s held no id of an installation; this one claims the prefix.", key)
        client.set(key, installation_id)
    elif holder != installation_id:
        raise ForeignInstallationError(
            f"REDIS_SSE_PREFIX: another installation ({holder}) uses this prefix on the Redis of {server}; set it to a "
            f"name of this installation's own ({installation_id}), or, if this database replaces that of the other "
            "one, run `python -m bridge take-over`"
        )


def _is_id(text: str) -> bool:
    """Return whether an installation can have written this. Any client of Redis can write something else, and no
    process could start then."""
    try:
        return str(UUID(text)) == text
    except ValueError:
        return False


class InstallationWatch:
    """Checks from a thread that the names still belong to this installation, and stops the process when they do not.

    That happens when Redis has lost its data and another installation was faster, or after a `take-over`.
    """

    def __init__(self, settings: Settings, database: Database, *, pid: int | None = None) -> None:
        """`pid` is the process that is sent SIGTERM, by default this one. Its manager starts it again, and it refuses
        to start then."""
        self._settings = settings
        self._database = database
        self._pid = pid or os.getpid()
        self._id = ""
        self._stop = threading.Event()

    def check(self) -> None:
        """Check now, unless a server is unavailable. Raises ForeignInstallationError."""
        try:
            self._id = self._id or read_installation_id(self._database)
            claim_redis(self._settings, self._id)
        except SQLAlchemyError as error:
            log.debug("PostgreSQL is unavailable, the installation is checked later: %s", describe_error(error))
        except redis.RedisError as error:
            trouble = redis_trouble(error)
            if trouble.is_refusal:
                key = installation_key(self._settings.redis_prefix)
                log_trouble(log, trouble, f"another installation would not be noticed by the key {key}")
            else:
                log.debug("Redis is unavailable, the installation is checked later: %s", type(error).__name__)

    def start(self) -> None:
        """Start the thread."""
        threading.Thread(target=self._run, name="installation", daemon=True).start()

    def stop(self) -> None:
        """Ask the thread to end, without waiting for it."""
        self._stop.set()

    def _run(self) -> None:
        while not self._stop.wait(CHECK_SECONDS):
            try:
                self.check()
            except ForeignInstallationError as error:
                log.critical("This process stops. %s.", error)
                os.kill(self._pid, signal.SIGTERM)
                return
            except Exception:  # the poll loop's boundary: without this thread nothing would notice another installation
                log.exception("The installation could not be checked, which is repeated in %g s.", CHECK_SECONDS)


def check_or_exit(watch: InstallationWatch) -> None:
    """Check at an entry point. Raises SystemExit with one line when another installation uses the same names."""
    try:
        watch.check()
    except ForeignInstallationError as error:
        raise SystemExit(f"Cannot start. {error}.") from None
