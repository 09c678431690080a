"""The processes of a stack get a list of allowed variables, whatever the environment of `up` has."""

import os
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from devstack.commands import environment
from devstack.errors import DevstackError
from devstack.spec import child_environment
from devstack.spec.layout import StackDir
from devstack.spec.ports import Ports
from devstack.spec.variables import parse_variables
from tests.devstack.stacks import devstack, down, running_pids, status, up
from tests.ports import free_port_base
from tests.stores import traversable_directory

FOR_OTHER_PROGRAMS = {
    "CELERY_BROKER_READ_URL": "redis://127.0.0.1:1/0", "CELERY_CONFIG_MODULE": "nonsense", "CELERY_LOADER": "nonsense",
    "BROKER_URL": "redis://127.0.0.1:1/0", "CELERY_WORKER_PURGE": "1", "C_FORCE_ROOT": "x", "KOMBU_LOG_DEBUG": "1",
    "GUNICORN_CMD_ARGS": "--daemon", "WEB_CONCURRENCY": "many", "PORT": "1", "FLASK_DEBUG": "1",
    "FLOWER_PORT": "tcp://10.0.0.9:8001", "FLOWER_UNIX_SOCKET": "/nonexistent/socket",
    "REDIS_PORT": "tcp://10.0.0.9:6379", "KAFKA_PORT": "tcp://10.0.0.9:9092", "KAFKA_OPTS": "-Xbad",
    "PYTHONWARNINGS": "error", "PYTHONPATH": "/nonexistent", "PYTHONINSPECT": "1", "PYTHONOPTIMIZE": "2",
    "PGHOSTADDR": "10.0.0.1", "PGSERVICE": "none", "PGOPTIONS": "-c bad=1", "PGSSLMODE": "require",
    "PGCLIENTENCODING": "LATIN1", "PGDATA": "/nonexistent", "PGPORT": "1",
    "JAVA_TOOL_OPTIONS": "-Xbad", "JDK_JAVA_OPTIONS": "-Xbad", "_JAVA_OPTIONS": "-Xbad",
    "LD_PRELOAD": "", "MALLOC_PERTURB_": "85", "TZ": "Asia/Kathmandu",
}  # fmt: skip


@pytest.fixture(scope="module")
def directory() -> Iterator[Path]:
    """The directory of a stack that was started in an environment for other programs."""
    with traversable_directory() as parent:
        options = ("--kafka", "embedded", "--env", "worker:MALLOC_TRIM_THRESHOLD_=1", "--env", "web.1:TZ=Asia/Tokyo")
        up(parent / "stack", free_port_base(), *options, environment=os.environ | FOR_OTHER_PROGRAMS)
        yield parent / "stack"
        down(parent / "stack")


def process_environments(directory: Path) -> dict[str, dict[str, str]]:
    """Return the variables of the processes by name, except those of Redis, which overwrites them."""
    stores = ("redis.1",)
    return {name: psutil.Process(pid).environ() for name, pid in running_pids(directory).items() if name not in stores}


def test_every_process_works_and_has_only_allowed_variables(directory: Path) -> None:
    assert [process["name"] for process in status(directory)["processes"] if not process["ready"]] == []
    for name, variables in process_environments(directory).items():
        assert not FOR_OTHER_PROGRAMS.keys() & variables.keys() - ({"TZ"} if name == "web.1" else set()), name
        assert "HOME" in variables


def test_a_process_has_the_variables_that_were_passed_to_it_on_purpose(directory: Path) -> None:
    variables = process_environments(directory)
    assert {name for name in variables if "MALLOC_TRIM_THRESHOLD_" in variables[name]} == {"worker.1", "solo.1"}
    assert {name for name in variables if variables[name].get("TZ") == "Asia/Tokyo"} == {"web.1"}


def test_commands_work_in_the_same_environment_and_run_passes_the_terminal_on(directory: Path) -> None:
    variables = os.environ | FOR_OTHER_PROGRAMS | {"TERM": "vt100"}
    assert devstack("status", "--dir", str(directory), environment=variables).returncode == 0
    script = "import os; print(os.environ['TERM'], 'GUNICORN_CMD_ARGS' in os.environ, 'DEVSTACK_DIR' in os.environ)"
    result = devstack("run", "--dir", str(directory), "timeit", "-n1", "-r1", script, environment=variables)
    assert result.stdout.splitlines()[0] == "vt100 False False", result.stderr


def test_an_allowed_variable_keeps_its_value() -> None:
    allowed = {
        "PATH": "/bin", "LC_TIME": "C", "https_proxy": "http://proxy", "NO_PROXY": "x", "SSL_CERT_FILE": "/ca",
        "OPENAI_API_KEY": "key", "FLOWER_BASIC_AUTH": "user:password", "PATIENCE_SECONDS": "1",
    }  # fmt: skip
    assert child_environment.select(allowed | {"SECRET_OF_ANOTHER_PROGRAM": "x"}) == allowed


def test_a_setting_in_lower_case_is_passed_on_in_upper_case_unless_that_is_set_too() -> None:
    assert child_environment.select({"memory": "false"}) == {"MEMORY": "false"}
    assert child_environment.select({"memory": "false", "MEMORY": "true"}) == {"MEMORY": "true"}


@pytest.mark.parametrize("value", ["/nonexistent", "/etc/passwd", ""])
def test_a_temporary_directory_that_cannot_be_used_is_not_passed_on(value: str) -> None:
    assert child_environment.select({"TMPDIR": value}) == {}


def test_the_former_name_of_a_setting_is_still_rejected(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATIENCE_SECONDS", "30")
    stack_dir = StackDir(tmp_path / "stack")
    stack_dir.prepare()
    with pytest.raises(DevstackError, match="LEASE_SECONDS"):
        environment.load_stack_settings(environment.build_environment(stack_dir, Ports(21900), {}))


@pytest.mark.parametrize("text", ["LD_PRELOAD=x", "worker:x", "worker:1X=x", ":X=x", "Worker:X=x"])
def test_an_invalid_variable_is_reported(text: str) -> None:
    with pytest.raises(DevstackError, match="write PROCESS:NAME=VALUE"):
        parse_variables([text])
