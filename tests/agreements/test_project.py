"""The project as a whole: its packages, its tracked files, and the effects of an import."""

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

from bridge.kafka.limits import MAX_DEAD_LETTER_RECORD_BYTES, MAX_DEAD_LETTER_VALUE_BYTES, MAX_WORK_BATCH_BYTES
from bridge.records.parse import MAX_RECORD_BYTES
from contracts.dead_letters import failure_headers, kafka_headers, origin
from contracts.source_headers import capture_headers
from tests.stores import ROOT

PACKAGES = (
    "contracts", "agents", "bridge", "tasks", "webapp", "migrations", "devstack", "validation", "notes",
    "training", "evaluation",
)  # fmt: skip

REGISTRIES = [
    "".join(parts)
    for parts in (
        ("pypi", r"\.org"), ("pythonhosted", r"\."), (r"maven\.", "org"), (r"maven\.", "apache"), ("maven2", "/"),
        ("npmjs", r"\."), ("registry", r"\.npm"), ("docker", r"\.io"), ("crates", r"\.io"), ("proxy", r"\.golang"),
    )
]  # fmt: skip
"""Split into parts, so that this file does not contain the names either."""

MACHINE_PATHS = r"(?<![\w.~}-])/(?:" + "|".join(["work", "root", "home", "Users", "tmp/lab"]) + r")/\w"

IMPORT_ALL = """
import importlib, pkgutil, sys
for package in sys.argv[1:]:
    module = importlib.import_module(package)
    for submodule in pkgutil.walk_packages(module.__path__, package + "."):
        if submodule.name != "migrations.env":  # Alembic executes it; it cannot be imported
            importlib.import_module(submodule.name)
print("imported")
"""


def tracked_files() -> list[Path]:
    """Return every file that is in the repository or is not ignored by git."""
    command = ["git", "ls-files", "-co", "--exclude-standard", "-z"]
    output = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout
    return [path for name in output.split("\0") if name and (path := ROOT / name).is_file()]


def matching_lines(pattern: str) -> list[str]:
    """Return the lines of tracked text files that match a pattern, as file:line."""
    matches = []
    for path in tracked_files():
        try:
            lines = path.read_text().splitlines()
        except UnicodeDecodeError:
            continue
        matches += [f"{path.relative_to(ROOT)}:{n}" for n, line in enumerate(lines, 1) if re.search(pattern, line)]
    return matches


@pytest.mark.parametrize("package", PACKAGES)
def test_every_package_is_at_the_top_level_and_has_a_folder_of_tests(package: str) -> None:
    assert (ROOT / package / "__init__.py").is_file()
    assert (ROOT / "tests" / package / "__init__.py").is_file()


def test_every_folder_of_tests_is_a_package() -> None:
    """Otherwise `import tasks` would load `tests/tasks`, because pytest puts that folder's parent on the path."""
    folders = {path.parent for path in tracked_files() if path.is_relative_to(ROOT / "tests") and path.suffix == ".py"}
    assert [folder for folder in folders if not (folder / "__init__.py").is_file()] == []


@pytest.mark.parametrize("registry", REGISTRIES)
def test_no_file_names_a_package_registry(registry: str) -> None:
    assert matching_lines(registry) == []


def test_no_file_contains_a_path_of_a_developers_machine() -> None:
    assert matching_lines(MACHINE_PATHS) == []


def test_the_packages_import_each_other_only_as_the_design_allows() -> None:
    command = [sys.executable, "-c", "from importlinter.cli import lint_imports; raise SystemExit(lint_imports())"]
    process = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert process.returncode == 0, process.stdout + process.stderr


@contextmanager
def silent_server() -> Iterator[socket.socket]:
    """A server on the loopback address that accepts connections and never answers."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield listener


def run_python(code: str, *arguments: str, port: int) -> "subprocess.CompletedProcess[str]":
    """Run code in the project's root directory, with the addresses of all servers set to one port."""
    address = f"127.0.0.1:{port}"
    environment = {
        "DATABASE_URL": f"postgresql://thoughts@{address}/thoughts",
        "REDIS_URL": f"redis://{address}/0",
        "KAFKA_BOOTSTRAP_SERVERS": address,
        "SECRET_KEY": "a-secret-key-for-tests-only",
    }
    command = [sys.executable, "-c", code, *arguments]
    return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=240, check=False)


def test_importing_a_module_opens_no_connection() -> None:
    with silent_server() as server:
        process = run_python(IMPORT_ALL, *PACKAGES, port=server.getsockname()[1])
        readable, _, _ = select.select([server], [], [], 0)
    assert process.stdout == "imported\n", process.stderr
    assert readable == []


def test_the_web_process_never_loads_kafkas_client() -> None:
    code = "import webapp.gunicorn_conf, webapp, sys; webapp.create_app(); print('confluent_kafka' in sys.modules)"
    with silent_server() as server:
        process = run_python(code, port=server.getsockname()[1])
    assert process.stdout == "False\n", process.stderr


def test_the_dead_letter_topic_accepts_the_largest_event_with_the_longest_headers() -> None:
    """A character has at most four bytes in UTF-8."""
    longest = "\U0001f600" * 100_000
    failure = failure_headers(reason="transient", error_class=longest, message=longest, stack=longest, agent="priority")
    record_origin = {"origin": origin("a-topic" * 30, 999, 10**18, 10**13)}
    ids = {"user_id": str(uuid4()), "thought_id": str(uuid4())}
    headers = kafka_headers("x" * 64, failure | record_origin | ids | capture_headers(b"", [("", None)] * 40_000))
    size = sum(len(name.encode()) + len(value or b"") + 16 for name, value in headers)
    assert MAX_DEAD_LETTER_VALUE_BYTES + MAX_WORK_BATCH_BYTES + size <= MAX_DEAD_LETTER_RECORD_BYTES


def test_the_largest_accepted_record_can_be_emitted_again() -> None:
    """An emitted record also has the header `turn` and the user's id as its key."""
    assert MAX_RECORD_BYTES + 1_000 < MAX_WORK_BATCH_BYTES
