"""Measures the memory of a worker process that is connected to nothing."""

import os
import subprocess
import sys
from collections.abc import Mapping
from typing import Final

_WORKER: Final = """
import os, psutil
from contracts.settings import load_settings
from tasks.application import create_app
create_app(load_settings())
"""
"""What a worker loads before its first message."""

_PRINT: Final = "print(psutil.Process().memory_info().rss)\n"

_WITHOUT_SERVERS: Final = {
    "DATABASE_URL": "postgresql://nobody@127.0.0.1:1/nothing",
    "REDIS_URL": "redis://127.0.0.1:1/0",
    "KAFKA_ENABLED": "false",
}


def worker_megabytes(settings: Mapping[str, str], work: str = "") -> float:
    """Return the resident memory of a worker with these settings, after some work (Python code)."""
    environment = {**os.environ, **_WITHOUT_SERVERS, "AI_PROVIDER": "offline", **settings}
    command = [sys.executable, "-c", _WORKER + work + _PRINT]
    process = subprocess.run(command, env=environment, check=True, capture_output=True, text=True)
    return int(process.stdout) / 1e6
