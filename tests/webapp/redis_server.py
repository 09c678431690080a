"""A Redis server that a test may kill."""

import subprocess
from pathlib import Path

import redis

from devstack.stores.redis_server import packaged_binary
from tests.eventually import eventually
from tests.webapp.web_processes import find_free_port


class RedisServer:
    """A Redis server without persistence."""

    def __init__(self, directory: Path) -> None:
        self.port = find_free_port()
        self.url = f"redis://127.0.0.1:{self.port}/0"
        self._command = [_executable(), "--port", str(self.port), "--save", "", "--dir", str(directory)]

    def start(self) -> None:
        self.process = subprocess.Popen(self._command, stdout=subprocess.DEVNULL)
        client = redis.Redis.from_url(self.url)

        def is_up() -> bool:
            try:
                return bool(client.ping())
            except redis.RedisError:
                return False

        eventually(is_up)
        client.close()

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()


def _executable() -> str:
    return str(packaged_binary())
