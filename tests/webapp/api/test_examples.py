"""The examples of the README and of docs/api.md work as they are written, and the page lists every problem."""

import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.stores import ROOT
from tests.webapp.web_processes import WebProcess
from webapp.problem_types import PROBLEM_TYPES

API_PAGE = ROOT / "docs" / "api.md"
EXAMPLE = re.compile(r"^    (curl (?!-N).*\n(?:     +\S.*\n)*)", re.MULTILINE)
pytestmark = pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed")


def examples(page: Path) -> list[str]:
    return EXAMPLE.findall(page.read_text())


def run(web: WebProcess, command: str) -> tuple[int, Any]:
    """Run an example against this web, and return the status and the JSON of the answer."""
    here = command.replace("http://127.0.0.1:8000", web.url).replace("wait=20", "wait=1")
    silent = here.replace("curl ", "curl --silent --write-out '\n%{http_code}' ", 1).replace(" -i ", " ", 1)
    result = subprocess.run(["bash", "-c", silent], capture_output=True, text=True, check=True, timeout=60)
    body, _, status = result.stdout.rpartition("\n")
    return int(status), json.loads(body)


def test_the_examples_of_the_readme_work(web: WebProcess) -> None:
    create, show, batch = examples(ROOT / "README.md")
    status, accepted = run(web, create)
    assert (status, accepted["thought"]["text"]) == (201, "Should I learn Rust this winter?")
    status, batched = run(web, batch)
    assert (status, [result["status"] for result in batched["results"]]) == (200, [201, 201])
    status, listed = run(web, show)
    assert status == 200
    assert [item["text"] for item in listed["items"]][::-1] == [
        "Should I learn Rust this winter?", "Call the dentist", "Water the garden",
    ]  # fmt: skip


def test_the_example_of_the_page_works_and_can_be_repeated(web: WebProcess) -> None:
    [create] = examples(API_PAGE)
    assert run(web, create) == run(web, create)
    assert run(web, create)[0] == 201


def test_the_page_lists_every_problem_as_the_application_does() -> None:
    rows = [line for line in API_PAGE.read_text().splitlines() if line.startswith("| `/problems/")]
    assert rows == [f"| `{problem.uri}` | {problem.status} | {problem.title} |" for problem in PROBLEM_TYPES]
