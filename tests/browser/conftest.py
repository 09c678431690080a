"""Debian's Chromium, headless, in front of one complete stack."""

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from shutil import which

import pytest
from playwright.sync_api import Browser, sync_playwright

from tests.browser.browser_tab import Tab
from tests.running_stack import Stack, running_stack
from tests.stores import skip_or_fail

CHROMIUM_ARGUMENTS = [
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
"""Chromium makes only the requests of the page, because a closed network would reject many others."""


@pytest.fixture(scope="package")
def executable() -> Path:
    """The system's Chromium, because Playwright's own downloads are not available everywhere."""
    path = which("chromium")
    if path is None:
        skip_or_fail("chromium is not on PATH; install Debian's package of that name")
    return Path(str(path))


@pytest.fixture(scope="package")
def stack(executable: Path) -> Iterator[Stack]:
    """A stack with a long heartbeat, so that events between two heartbeats arrived live."""
    with running_stack({"SCRIPTED_DELAY_MS": "400", "SSE_HEARTBEAT_INTERVAL": "15"}, "beat=0,flower=0") as running:
        yield running


@pytest.fixture(scope="package")
def browser(executable: Path, stack: Stack) -> Iterator[Browser]:
    with (
        sync_playwright() as playwright,
        closing(playwright.chromium.launch(executable_path=executable, args=CHROMIUM_ARGUMENTS)) as chromium,
    ):
        yield chromium


@pytest.fixture
def tab(browser: Browser, stack: Stack) -> Iterator[Tab]:
    """A tab of a new visitor."""
    with closing(browser.new_context(base_url=stack.url)) as context:
        yield Tab(context)


@pytest.fixture
def scriptless_tab(browser: Browser, stack: Stack) -> Iterator[Tab]:
    """A tab of a new visitor whose browser runs no JavaScript."""
    with closing(browser.new_context(base_url=stack.url, java_script_enabled=False)) as context:
        yield Tab(context)
