"""`make` passes values on as they were typed, and creates .venv again when its Python no longer has the packages."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.stores import ROOT

MAKE = shutil.which("make")
pytestmark = pytest.mark.skipif(MAKE is None, reason="make is not installed")

PRINT_ARGUMENTS = '#!/bin/sh\n[ "$1" = -c ] && exec {python} "$@"\nprintf \'%s\\n\' "$@"\n'
"""A Python that prints its arguments, one a line, except for the checks of the Makefile."""

OTHER_SETTINGS = {
    "PIP_USER": "1", "PIP_TARGET": "/nonexistent", "PIP_REQUIRE_VIRTUALENV": "1", "PYTHONHOME": "/nonexistent",
    "PYTHONWARNINGS": "error", "PYTHONSAFEPATH": "1",
}  # fmt: skip


def make(project: Path, *arguments: str, **variables: str) -> "subprocess.CompletedProcess[str]":
    """Run the Makefile in a project and return the finished process."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("MAKE", "MFLAGS"))}
    command = [MAKE or "make", "--file", str(ROOT / "Makefile"), *arguments]
    return subprocess.run(
        command, cwd=project, env=environment | variables, capture_output=True, text=True, timeout=240
    )


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A project that needs no packages, with a package that a command can run."""
    (tmp_path / "requirements").mkdir()
    for name in ("devstack", "dev", "models"):
        (tmp_path / "requirements" / f"{name}.txt").touch()
    (tmp_path / "devstack").mkdir()
    (tmp_path / "devstack" / "__main__.py").write_text("import sys\nprint(sys.prefix)\n")
    return tmp_path


@pytest.fixture
def recording_project(project: Path) -> Path:
    """A project whose .venv prints the arguments of each command."""
    python = project / ".venv" / "bin" / "python"
    python.parent.mkdir(parents=True)
    python.write_text(PRINT_ARGUMENTS.format(python=sys.executable))
    python.chmod(0o755)
    for name in (".installed", ".installed-dev"):
        (project / ".venv" / name).touch()
    return project


@pytest.mark.parametrize(
    "name",
    ["my stack", "a$b", "it's", 'a"quote', "$HOME", "$(shell echo expanded)", "a;echo b", "-x", "päck", "#a", "*"],
)
def test_a_name_reaches_the_command_as_it_was_typed(recording_project: Path, name: str) -> None:
    for target in ("up", "down", "status"):
        assert f"--dir={name}" in make(recording_project, target, f"DIR={name}").stdout.splitlines()
        assert f"--dir={name}" in make(recording_project, target, DIR=name).stdout.splitlines()


@pytest.mark.parametrize(
    ("target", "variable", "option"),
    [("up", "PORT", "port-base"), ("faults", "ROUNDS", "rounds"), ("simulate", "SEED", "seed"), ("eval", "SET", "set")],
)
def test_every_variable_is_one_argument(recording_project: Path, target: str, variable: str, option: str) -> None:
    result = make(recording_project, target, f"{variable}=1 2$3'")
    assert f"--{option}=1 2$3'" in result.stdout.splitlines()


def test_a_setting_on_the_command_line_keeps_its_dollar_signs(recording_project: Path) -> None:
    python = recording_project / ".venv" / "bin" / "python"
    python.write_text(f'#!/bin/sh\n[ "$1" = -c ] && exec {sys.executable} "$@"\nprintf "%s\\n" "$OPENAI_API_KEY"\n')
    assert make(recording_project, "status", "OPENAI_API_KEY=a$b$(c)'d").stdout == "a$b$(c)'d\n"


def test_a_path_of_venv_with_a_space_is_refused_in_one_line(project: Path) -> None:
    result = make(project, "install", "VENV=my venv")
    assert result.returncode == 2
    assert "choose a path without spaces" in result.stderr
    assert not (project / "my").exists()


def break_interpreter(venv: Path) -> None:
    """Delete the interpreter that .venv refers to."""
    (venv / "bin" / "python3").unlink()
    (venv / "bin" / "python3").symlink_to("/nonexistent/python3")


def break_other_name(venv: Path) -> None:
    """Let the other name of the interpreter refer to one without packages, as `ln -sf` or a package manager may do."""
    python, other = venv / "bin" / "python", venv / "bin" / "python3"
    interpreter = python.resolve()
    for path, target in ((python, interpreter), (other, Path("/bin/false"))):
        path.unlink()
        path.symlink_to(target)


def hide_packages(venv: Path) -> None:
    """Leave an interpreter of another version, which looks for its packages in another folder."""
    packages = next((venv / "lib").glob("python3.*"))
    packages.rename(packages.with_name("python3.1"))


def interrupt_creation(venv: Path) -> None:
    """Leave what an interrupted creation leaves: no interpreter yet."""
    shutil.rmtree(venv / "bin")


def replace_by_a_link(venv: Path) -> None:
    """Leave a link to a folder that no longer exists."""
    shutil.rmtree(venv)
    venv.symlink_to(venv.with_name("elsewhere"))


def test_a_venv_without_its_python_is_created_again_and_a_working_one_is_kept(project: Path) -> None:
    venv = project / ".venv"
    assert "Creating .venv" in make(project, "install", **OTHER_SETTINGS).stdout
    for damage in (break_interpreter, break_other_name, hide_packages, interrupt_creation, replace_by_a_link):
        damage(venv)
        result = make(project, "install")
        assert "is created again" in result.stdout, (damage, result)
        assert result.returncode == 0, (damage, result)
        subprocess.run([str(venv / "bin" / "python"), "-c", "import pip"], check=True)
        assert make(project, "install").stdout == ""
    assert make(project, "status").stdout == f"{venv}\n"
    assert make(project, f"PYTHON={sys.executable}", "install").stdout == ""


def test_the_python_of_venv_finds_the_project_when_the_environment_hides_the_working_directory(project: Path) -> None:
    assert make(project, "install").returncode == 0
    moved = project.rename(project.with_name(f"{project.name}-moved"))
    try:
        command = [str(moved / ".venv" / "bin" / "python"), "-m", "devstack"]
        subprocess.run(command, cwd="/", env=os.environ | {"PYTHONSAFEPATH": "1"}, check=True, capture_output=True)
    finally:
        moved.rename(project)


def test_a_folder_that_is_no_virtual_environment_is_never_removed(project: Path) -> None:
    (project / "home").mkdir()
    (project / "home" / "letter").write_text("mine")
    result = make(project, "install", "VENV=home")
    assert result.returncode == 2
    assert "is not a virtual environment" in result.stdout
    assert (project / "home" / "letter").read_text() == "mine"


def test_the_files_of_venv_are_readable_for_the_account_of_postgresql(project: Path) -> None:
    command = [
        "/bin/sh",
        "-c",
        'umask 077; exec "$@"',
        "sh",
        MAKE or "make",
        "--file",
        str(ROOT / "Makefile"),
        "install",
    ]
    subprocess.run(command, cwd=project, check=True, capture_output=True, timeout=240)
    assert (project / ".venv").stat().st_mode & 0o005 == 0o005
    assert next((project / ".venv" / "lib").glob("python3.*")).stat().st_mode & 0o005 == 0o005


def test_files_whose_times_are_in_the_future_are_installed_once(project: Path) -> None:
    future = project.stat().st_mtime
    for name, seconds in (("devstack", 90_000), ("dev", 80_000)):
        os.utime(project / "requirements" / f"{name}.txt", (future + seconds, future + seconds))
    assert "Installing the packages" in make(project, "install-dev").stdout
    again = make(project, "install-dev")
    assert (again.returncode, again.stdout) == (0, "")


def test_packages_that_could_not_be_installed_are_tried_again(project: Path) -> None:
    requirements = project / "requirements" / "devstack.txt"
    assert make(project, "install").returncode == 0
    requirements.write_text("/nonexistent/package.whl\n")
    for _ in range(2):
        assert make(project, "install").returncode != 0
    requirements.write_text("")
    assert "Installing the packages" in make(project, "install").stdout
