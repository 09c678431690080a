"""The image of the Dockerfile contains exactly what its processes need."""

import ast
import re
import subprocess
import sys
from collections.abc import Iterable, Iterator
from importlib.metadata import packages_distributions
from pathlib import Path

from tests.stores import ROOT

DOCKERFILE = (ROOT / "Dockerfile").read_text()
LOCKED = (ROOT / "requirements" / "base.txt").read_text()
LOCKED_WITH_MODELS = (ROOT / "requirements" / "models.txt").read_text()
NOT_IN_THE_IMAGE = {"devstack", "tests", "bench", "notes", "training", "evaluation"}

IMPORT_PROGRAM = """
import importlib, pkgutil, sys
for package in sys.argv[1:]:
    for module in pkgutil.walk_packages(importlib.import_module(package).__path__, package + "."):
        if module.name != "migrations.env":  # Alembic executes it; it cannot be imported
            importlib.import_module(module.name)
"""


def image_packages() -> list[str]:
    """Return the packages that .dockerignore includes."""
    return re.findall(r"^!(\w+)$", (ROOT / ".dockerignore").read_text(), re.MULTILINE)


def test_the_image_contains_every_package_except_development_tools() -> None:
    assert set(image_packages()) == {path.parent.name for path in ROOT.glob("*/__init__.py")} - NOT_IN_THE_IMAGE


def test_the_image_needs_no_package_that_is_left_out(tmp_path: Path) -> None:
    for name in [*image_packages(), "pyproject.toml"]:
        (tmp_path / name).symlink_to(ROOT / name)
    environment = {"DATABASE_URL": "postgresql://x/x", "REDIS_URL": "redis://x", "KAFKA_BOOTSTRAP_SERVERS": "x:1"}
    command = [sys.executable, "-c", IMPORT_PROGRAM, *image_packages()]
    process = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
    assert process.returncode == 0, process.stderr


def normalised(name: str) -> str:
    return name.lower().replace("_", "-")


def locked_packages(lock: str) -> set[str]:
    return {normalised(name) for name in re.findall(r"^([\w.-]+)(?:\[.*\])?==", lock, re.MULTILINE)}


def unlocked_modules(paths: Iterable[Path], lock: str) -> list[str]:
    """Return the libraries that these files import, and that the lock file does not contain."""
    own = sys.stdlib_module_names | set(image_packages())
    providers, locked = packages_distributions(), locked_packages(lock)
    modules = sorted(set(imported_modules(paths)) - own)
    return [module for module in modules if not {normalised(name) for name in providers[module]} & locked]


def image_files() -> list[Path]:
    return [path for name in image_packages() for path in (ROOT / name).rglob("*.py")]


def calls_models(path: Path) -> bool:
    """Return whether a file belongs to the one package that loads the libraries of model services."""
    return path.is_relative_to(ROOT / "agents" / "models")


def test_every_library_that_the_image_imports_is_locked() -> None:
    assert unlocked_modules([path for path in image_files() if not calls_models(path)], LOCKED) == []


def test_every_library_that_the_image_with_models_imports_is_locked() -> None:
    assert unlocked_modules([path for path in image_files() if calls_models(path)], LOCKED_WITH_MODELS) == []
    assert locked_packages(LOCKED) <= locked_packages(LOCKED_WITH_MODELS)


def imported_modules(paths: Iterable[Path]) -> Iterator[str]:
    """Yield the top-level modules that files import."""
    for path in paths:
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Import):
                yield from (alias.name.partition(".")[0] for alias in node.names)
            if isinstance(node, ast.ImportFrom) and node.module and not node.level:
                yield node.module.partition(".")[0]


def test_the_image_installs_exactly_the_locked_packages() -> None:
    assert "ARG REQUIREMENTS=base\nCOPY requirements/${REQUIREMENTS}.txt /tmp/requirements.txt" in DOCKERFILE
    assert "--require-hashes --requirement /tmp/requirements.txt" in DOCKERFILE
    for program in ("alembic", "celery", "flower", "gunicorn"):
        assert re.search(rf"^{program}(\[[\w,-]+\])?==\S+ \\\n +--hash=sha256:", LOCKED, re.MULTILINE), program


def test_the_image_has_a_python_version_that_the_project_supports() -> None:
    [version] = set(re.findall(r"^FROM python:3\.(\d+)-", DOCKERFILE, re.MULTILINE))
    [minimum] = re.findall(r'^requires-python = ">=3\.(\d+)"$', (ROOT / "pyproject.toml").read_text(), re.MULTILINE)
    assert int(version) >= int(minimum)


def test_the_image_runs_as_an_unprivileged_user() -> None:
    assert DOCKERFILE.rstrip().splitlines()[-1] == "USER 10001:10001"
