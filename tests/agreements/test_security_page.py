"""docs/security.md compares the application with ASVS 5.0: each requirement has a row, each row a test or a reason."""

import re
from pathlib import Path
from typing import get_args

import pytest
from sqlalchemy import text

from contracts.database import Database
from contracts.settings import Settings
from tests.agreements.test_architecture import Link, links, problem
from tests.stores import ROOT
from webapp.accounts.security_events import DETAILS, KEPT, Kind
from webapp.accounts.sign_ins import ABSOLUTE_LIMIT, FRESH, IDLE_LIMIT

PATH = ROOT / "docs" / "security.md"
PAGE = PATH.read_text()
CHECKLIST = PAGE[PAGE.index("<!-- checklist -->") : PAGE.index("<!-- end of the checklist -->")]
ROWS = [[cell.strip() for cell in line.strip("|").split(" | ")] for line in re.findall(r"^\| *\d.*$", CHECKLIST, re.M)]

LEVELS_1_AND_2 = {
    "1.1": 2, "1.2": 9, "1.3": 11, "1.4": 3, "1.5": 2,
    "2.1": 3, "2.2": 3, "2.3": 4, "2.4": 1,
    "3.2": 2, "3.3": 4, "3.4": 6, "3.5": 5, "3.7": 2,
    "4.1": 3, "4.2": 1, "4.3": 2, "4.4": 4,
    "5.1": 1, "5.2": 3, "5.3": 2, "5.4": 3,
    "6.1": 3, "6.2": 12, "6.3": 4, "6.4": 4, "6.5": 5, "6.6": 3, "6.8": 4,
    "7.1": 3, "7.2": 4, "7.3": 2, "7.4": 5, "7.5": 2, "7.6": 2,
    "8.1": 2, "8.2": 3, "8.3": 1, "8.4": 1,
    "9.1": 3, "9.2": 4,
    "11.1": 2, "11.2": 3, "11.3": 3, "11.4": 4, "11.5": 1, "11.6": 1,
    "12.1": 3, "12.2": 2, "12.3": 4,
    "13.1": 1, "13.2": 5, "13.3": 2, "13.4": 5,
    "14.1": 2, "14.2": 4, "14.3": 3,
    "15.1": 3, "15.2": 3, "15.3": 7,
    "16.1": 1, "16.2": 5, "16.3": 4, "16.4": 3, "16.5": 3,
}  # fmt: skip
"""Section of ASVS 5.0.0 -> how many requirements of levels 1 and 2 it has; they come before those of level 3."""

LEVEL_1 = {
    "1.2": 5, "1.3": 2, "1.5": 1, "2.1": 1, "2.2": 2, "2.3": 1, "3.2": 2, "3.3": 1, "3.4": 2, "3.5": 3,
    "4.1": 1, "4.4": 1, "5.2": 2, "5.3": 2, "6.1": 1, "6.2": 8, "6.3": 2, "6.4": 2, "7.2": 4, "7.4": 2,
    "8.1": 1, "8.2": 2, "8.3": 1, "9.1": 3, "9.2": 1, "11.3": 2, "11.4": 1, "12.1": 1, "12.2": 2, "13.4": 1,
    "14.2": 1, "14.3": 1, "15.1": 1, "15.2": 1, "15.3": 1,
}  # fmt: skip
"""Section -> how many of them are of level 1; they come first. All but the five about OAuth's authorization servers."""

WITHOUT_TEST = ("Does not apply: ", "**Does not hold yet.** ", "**By the operator.** ")


def test_every_requirement_of_the_chapters_has_a_row_and_no_other_one() -> None:
    expected = [f"{section}.{number + 1}" for section, count in LEVELS_1_AND_2.items() for number in range(count)]
    assert [row[0] for row in ROWS] == expected
    level_1 = {f"{section}.{number + 1}" for section, count in LEVEL_1.items() for number in range(count)}
    assert {row[0] for row in ROWS if row[1] == "1"} == level_1
    assert {row[1] for row in ROWS} == {"1", "2"}


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row[0])
def test_a_row_names_tests_that_exist_or_says_why_there_is_none(row: list[str]) -> None:
    _, _, requirement, how, shown = row
    named = list(links(PATH, shown))
    assert requirement
    assert [found for link in named if (found := problem(link))] == []
    assert all(link.target.is_relative_to(ROOT / "tests") for link in named)
    assert all(str(link.name).rpartition(".")[2].startswith("test_") for link in named)
    assert named or how.startswith(WITHOUT_TEST), "name a test, or say plainly what is missing"


def test_a_test_that_does_not_exist_is_found() -> None:
    here = Path(__file__).resolve()
    assert problem(Link(PATH, "`test_that_nobody_wrote`", here))
    assert problem(Link(PATH, "`test_a_test_that_does_not_exist_is_found`", here)) is None


def test_every_secret_setting_is_in_the_inventory() -> None:
    secrets = {name.upper() for name, field in Settings.model_fields.items() if not field.repr}
    secrets |= {name.upper() for name, field in Settings.model_fields.items() if "SecretStr" in str(field.annotation)}
    inventory = PAGE[PAGE.index("## Keys and secrets") : PAGE.index("## OWASP")]
    assert [name for name in sorted(secrets) if name not in inventory] == []
    assert len(secrets) > 8


def test_the_page_names_every_event_and_every_detail() -> None:
    inventory = PAGE[PAGE.index("Security events:") : PAGE.index("## Data")]
    assert set(re.findall(r"`([a-z-]+)`", inventory)) == set(get_args(Kind))
    listed = set(re.findall(r"[a-z_]+", " ".join(re.findall(r"\(([^)]*)\)", inventory))))
    assert listed >= DETAILS


def test_each_severity_has_a_time_in_which_a_library_is_replaced() -> None:
    libraries = (ROOT / "SECURITY.md").read_text().partition("## Libraries")[2].partition("\n## ")[0]
    rows = re.findall(r"^\| (critical|high|medium|low)\b.* \| (\d+) days \|$", libraries, re.MULTILINE)
    assert [name for name, _ in rows] == ["critical", "high", "medium", "low"]
    assert [int(days) for _, days in rows] == sorted(int(days) for _, days in rows)
    assert re.search(r"latest versions at least every \d+ days", libraries)


def test_the_page_states_the_limits_of_the_code() -> None:
    assert (KEPT.days, IDLE_LIMIT.days, ABSOLUTE_LIMIT.days, FRESH.seconds) == (180, 14, 90, 3600)
    for said in ("180 days", "Two weeks without a request, 90 days in all", "for an hour after signing in"):
        assert said in PAGE


def test_a_new_database_has_no_account(database: Database) -> None:
    assert database.rows(text("SELECT FROM users WHERE is_admin OR email IS NOT NULL")) == []


def test_the_script_uses_no_storage_of_the_browser() -> None:
    scripts = list((ROOT / "webapp" / "static").glob("*.js"))
    assert scripts
    for path in scripts:
        assert not re.search(r"localStorage|sessionStorage|indexedDB|document\.cookie|caches\.", path.read_text())
