"""The image that the Dockerfile makes has all that its processes need, and nothing else."""

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from importlib.metadata import packages_distributions
from pathlib import Path

from tests.stores import ROOT

DOCKERFILE = (ROOT / "Dockerfile").read_text()
LOCKED = (ROOT / "requirements" / "base.txt").read_text()
OUTSIDE = {"devstack", "tests", "bench"}

COMMANDS_KNOWN = """
import importlib, pkgutil, sys
for package in sys.argv[1:]:
    for found in pkgutil.walk_packages(importlib.import_module(package).__path__, package + "."):
        if found.name != "migrations.env":  # Alembic's entry: it is run, not imported
            importlib.import_module(found.name)
"""


def in_the_image() -> list[str]:
    """The packages that .dockerignore lets in."""
    return re.findall(r"^!(\w+)$", (ROOT / ".dockerignore").read_text(), re.MULTILINE)


def test_the_image_has_every_package_but_those_of_the_workshop() -> None:
    assert set(in_the_image()) == {path.parent.name for path in ROOT.glob("*/__init__.py")} - OUTSIDE


def test_nothing_in_the_image_needs_what_was_left_out(tmp_path: Path) -> None:
    for name in [*in_the_image(), "pyproject.toml"]:
        (tmp_path / name).symlink_to(ROOT / name)
    environment = {"DATABASE_URL": "postgresql://x/x", "REDIS_URL": "redis://x", "KAFKA_BOOTSTRAP_SERVERS": "x:1"}
    command = [sys.executable, "-c", COMMANDS_KNOWN, *in_the_image()]
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_every_library_that_the_image_imports_is_locked_for_it() -> None:
    locked = {name.lower().replace("_", "-") for name in re.findall(r"^([\w.-]+)(?:\[.*\])?==", LOCKED, re.MULTILINE)}
    providers = packages_distributions()
    for module in sorted(set(imported()) - sys.stdlib_module_names - set(in_the_image())):
        assert {name.lower().replace("_", "-") for name in providers[module]} & locked, module


def imported() -> Iterator[str]:
    """The top-level names that the image's code imports."""
    for path in [path for name in in_the_image() for path in (ROOT / name).rglob("*.py")]:
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Import):
                yield from (alias.name.partition(".")[0] for alias in node.names)
            if isinstance(node, ast.ImportFrom) and node.module and not node.level:
                yield node.module.partition(".")[0]


def test_the_image_installs_exactly_what_is_locked() -> None:
    assert "COPY requirements/base.txt" in DOCKERFILE
    assert "--require-hashes --requirement /tmp/base.txt" in DOCKERFILE
    for program in ("alembic", "celery", "flower", "gunicorn"):
        assert re.search(rf"^{program}(\[[\w,-]+\])?==\S+ \\\n +--hash=sha256:", LOCKED, re.MULTILINE), program


def test_the_image_has_a_python_that_the_project_runs_on() -> None:
    [version] = set(re.findall(r"^FROM python:3\.(\d+)-", DOCKERFILE, re.MULTILINE))
    [least] = re.findall(r'^requires-python = ">=3\.(\d+)"$', (ROOT / "pyproject.toml").read_text(), re.MULTILINE)
    assert int(version) >= int(least)


def test_the_image_runs_as_nobody_of_importance() -> None:
    assert DOCKERFILE.rstrip().splitlines()[-1] == "USER 10001:10001"
