"""Debian's Chromium, headless, in front of one whole stack."""

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from shutil import which

import pytest
from playwright.sync_api import Browser, sync_playwright

from tests.browser.visits import Visit
from tests.running_stack import Stack, running_stack
from tests.stores import missing

QUIET = [
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
"""Nothing but the page's own requests: a closed network would refuse the rest, many at a time."""


@pytest.fixture(scope="package")
def executable() -> Path:
    """The browser of the system: Playwright's own downloads are neither wanted nor possible everywhere."""
    found = which("chromium")
    if found is None:
        missing("there is no chromium on PATH; Debian has it in its package of that name")
    return Path(str(found))


@pytest.fixture(scope="package")
def stack(executable: Path) -> Iterator[Stack]:
    """The heartbeat is long, so that what is seen between two of them came live."""
    with running_stack({"SCRIPTED_DELAY_MS": "400", "SSE_HEARTBEAT_INTERVAL": "15"}, "beat=0,flower=0") as running:
        yield running


@pytest.fixture(scope="package")
def browser(executable: Path, stack: Stack) -> Iterator[Browser]:
    with (
        sync_playwright() as playwright,
        closing(playwright.chromium.launch(executable_path=executable, args=QUIET)) as it,
    ):
        yield it


@pytest.fixture
def visit(browser: Browser, stack: Stack) -> Iterator[Visit]:
    """Somebody new with a browser that runs scripts."""
    with closing(browser.new_context(base_url=stack.url)) as context:
        yield Visit(context)


@pytest.fixture
def plain_visit(browser: Browser, stack: Stack) -> Iterator[Visit]:
    """Somebody new with a browser that runs none."""
    with closing(browser.new_context(base_url=stack.url, java_script_enabled=False)) as context:
        yield Visit(context)
