"""What holds for the project as a whole: its packages, its tracked files, and what an import may do."""

import re
import select
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import uuid4

import pytest

from bridge.kafka.topics import MAX_DEAD_LETTER_RECORD_BYTES, MAX_DEAD_LETTER_VALUE_BYTES, MAX_WORK_BATCH_BYTES
from bridge.records.parse import MAX_RECORD_BYTES
from contracts.dead_letters import failure_headers, kafka_headers, origin
from contracts.source_headers import capture_headers
from tests.stores import ROOT

PACKAGES = ("contracts", "agents", "bridge", "tasks", "webapp", "migrations", "devstack")

REGISTRIES = [
    "".join(parts)
    for parts in (
        ("pypi", r"\.org"), ("pythonhosted", r"\."), (r"maven\.", "org"), (r"maven\.", "apache"), ("maven2", "/"),
        ("npmjs", r"\."), ("registry", r"\.npm"), ("docker", r"\.io"), ("crates", r"\.io"), ("proxy", r"\.golang"),
    )
]  # fmt: skip
"""In parts, so that this file does not name them either."""

MACHINE_PATHS = r"(?<![\w.~}-])/(?:" + "|".join(["work", "root", "home", "Users", "tmp/lab"]) + r")/\w"

IMPORT_ALL = """
import importlib, pkgutil, sys
for package in sys.argv[1:]:
    module = importlib.import_module(package)
    for found in pkgutil.walk_packages(module.__path__, package + "."):
        if found.name != "migrations.env":  # Alembic's entry: it is run, not imported
            importlib.import_module(found.name)
print("imported")
"""


def tracked() -> list[Path]:
    """Every file that is in the repository or would be with the next commit."""
    command = ["git", "ls-files", "-co", "--exclude-standard", "-z"]
    listed = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout
    return [path for name in listed.split("\0") if name and (path := ROOT / name).is_file()]


def offences(pattern: str) -> list[str]:
    """Places in tracked text files, as file:line."""
    found = []
    for path in tracked():
        try:
            lines = path.read_text().splitlines()
        except UnicodeDecodeError:
            continue
        found += [f"{path.relative_to(ROOT)}:{n}" for n, line in enumerate(lines, 1) if re.search(pattern, line)]
    return found


@pytest.mark.parametrize("package", PACKAGES)
def test_every_package_stands_at_the_top_and_has_a_folder_of_tests(package: str) -> None:
    assert (ROOT / package / "__init__.py").is_file()
    assert (ROOT / "tests" / package / "__init__.py").is_file()


def test_every_folder_of_tests_is_a_package() -> None:
    """Without it `import tasks` would load `tests/tasks` when pytest puts that folder's parent on the path."""
    folders = {path.parent for path in tracked() if path.is_relative_to(ROOT / "tests") and path.suffix == ".py"}
    assert [folder for folder in folders if not (folder / "__init__.py").is_file()] == []


@pytest.mark.parametrize("registry", REGISTRIES)
def test_no_package_registry_is_named(registry: str) -> None:
    assert offences(registry) == []


def test_no_path_of_somebodys_machine_is_named() -> None:
    assert offences(MACHINE_PATHS) == []


def test_the_packages_import_each_other_only_as_the_design_allows() -> None:
    command = [sys.executable, "-c", "from importlinter.cli import lint_imports; raise SystemExit(lint_imports())"]
    checked = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert checked.returncode == 0, checked.stdout + checked.stderr


@contextmanager
def silent_server() -> Iterator[socket.socket]:
    """A port of the loopback address that takes connections and never answers."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        yield listening


def python(code: str, *arguments: str, port: int) -> "subprocess.CompletedProcess[str]":
    """Run code at the project's root, with every server at one port."""
    address = f"127.0.0.1:{port}"
    environment = {
        "DATABASE_URL": f"postgresql://thoughts@{address}/thoughts",
        "REDIS_URL": f"redis://{address}/0",
        "KAFKA_BOOTSTRAP_SERVERS": address,
        "SECRET_KEY": "a-secret-key-for-tests-only",
    }
    command = [sys.executable, "-c", code, *arguments]
    return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=60, check=False)


def test_importing_any_module_connects_to_nothing() -> None:
    with silent_server() as server:
        done = python(IMPORT_ALL, *PACKAGES, port=server.getsockname()[1])
        connected, _, _ = select.select([server], [], [], 0)
    assert done.stdout == "imported\n", done.stderr
    assert connected == []


def test_the_web_process_never_loads_kafkas_client() -> None:
    made = "import webapp.gunicorn_conf, webapp, sys; webapp.create_app(); print('confluent_kafka' in sys.modules)"
    with silent_server() as server:
        done = python(made, port=server.getsockname()[1])
    assert done.stdout == "False\n", done.stderr


def test_the_dead_letter_topic_takes_the_largest_event_with_the_longest_headers() -> None:
    """Four bytes a character is the most that UTF-8 makes of one."""
    longest = "\U0001f600" * 100_000
    told = failure_headers(reason="transient", error_class=longest, message=longest, stack=longest, agent="priority")
    where = {"origin": origin("a-topic" * 30, 999, 10**18, 10**13)}
    ids = {"user_id": str(uuid4()), "thought_id": str(uuid4())}
    headers = kafka_headers("x" * 64, told | where | ids | capture_headers(b"", [("", None)] * 40_000))
    size = sum(len(name.encode()) + len(value or b"") + 16 for name, value in headers)
    assert MAX_DEAD_LETTER_VALUE_BYTES + MAX_WORK_BATCH_BYTES + size <= MAX_DEAD_LETTER_RECORD_BYTES


def test_the_largest_record_that_is_taken_can_be_emitted_again() -> None:
    """Then it has the header `turn` and the author's key besides."""
    assert MAX_RECORD_BYTES + 1_000 < MAX_WORK_BATCH_BYTES
