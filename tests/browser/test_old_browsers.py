"""The page in browsers that lack what newer ones have: it stays up to date, or says how to reload it."""

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Locator, Page, Route, expect

from tests.browser.browser_tab import TIMEOUT_MS, Tab
from tests.eventually import eventually

TEXT = "Should I learn Rust this winter? [[delay:priority:2000]]"
LONG = "Should I learn Rust this winter? [[delay:analysis:10000]]"

REMOVE = """
(paths) => {
  for (const path of paths) {
    const names = path.split("."), last = names.pop();
    const owner = names.reduce((object, name) => object[name], window);
    delete owner[last];
    if (last in owner) Object.defineProperty(owner, last, { value: undefined, configurable: true });
  }
}
"""

SAFARI_14 = [
    "AbortSignal.timeout", "AbortSignal.any", "Array.prototype.at", "Array.prototype.findLast", "Object.hasOwn",
    "String.prototype.at", "structuredClone", "BroadcastChannel", "SharedWorker", "Navigator.prototype.locks",
    "HTMLDialogElement", "HTMLElement.prototype.showPopover", "Element.prototype.checkVisibility", "ElementInternals",
    "requestIdleCallback", "scheduler", "navigation", "CSSStyleSheet.prototype.replaceSync",
]  # fmt: skip
"""What Safari 14 or Chrome 90 lacks."""

INSECURE = ["Crypto.prototype.randomUUID", "Crypto.prototype.subtle", "Navigator.prototype.serviceWorker", "caches"]
"""What no browser gives a page that came over plain HTTP from another machine."""

PRIVATE_WINDOW = """
for (const name of ["localStorage", "indexedDB"]) {
  Object.defineProperty(window, name, { get() { throw new DOMException("denied", "SecurityError"); } });
}
"""


def without(tab: Tab, *paths: str) -> None:
    """Remove these APIs before any script of the page runs."""
    tab.page.add_init_script(f"({REMOVE})({list(paths)})")


def notice(tab: Tab) -> Locator:
    return tab.page.locator("[data-no-updates]")


def test_the_page_is_live_without_anything_that_is_younger_than_safari_14(tab: Tab) -> None:
    without(tab, *SAFARI_14, *INSECURE)
    tab.page.add_init_script(PRIVATE_WINDOW)
    tab.post(TEXT)
    assert tab.page.evaluate("[AbortSignal.timeout, window.structuredClone, [].at].every((api) => api === undefined)")
    tab.wait_for_connection_text("Live")
    tab.wait_for_completed_thought()
    assert set(tab.completed_counts()) & {1, 2, 3, 4}, "it showed intermediate progress without a reload"
    expect(notice(tab)).to_be_hidden()
    assert tab.errors == []


def test_without_event_streams_the_page_checks_every_few_seconds_and_says_so(tab: Tab) -> None:
    without(tab, "EventSource")
    tab.post(TEXT)
    tab.wait_for_connection_text("Checking every few seconds")
    tab.wait_for_completed_thought()
    tab.wait_for_connection_text("")
    expect(notice(tab)).to_be_hidden()
    assert tab.errors == []


def as_unknown_type(route: Route) -> None:
    response = route.fetch()
    route.fulfill(response=response, body=response.text().replace('type="module"', 'type="text/not-known"'))


def with_unknown_syntax(route: Route) -> None:
    route.fulfill(content_type="text/javascript", body="const page = window ?.! document;")


SCRIPTS_THAT_DO_NOT_RUN: dict[str, tuple[str, Callable[[Route], None]]] = {
    "no modules": ("/t/", as_unknown_type),
    "unknown syntax": ("/static/live.js", with_unknown_syntax),
    "not loaded": ("/static/live.js", lambda route: route.abort()),
}


@pytest.mark.parametrize("kind", SCRIPTS_THAT_DO_NOT_RUN)
def test_a_page_whose_script_does_not_run_says_how_to_reload_it(tab: Tab, kind: str) -> None:
    part_of_url, handler = SCRIPTS_THAT_DO_NOT_RUN[kind]
    tab.page.route(re.compile(part_of_url), handler)
    tab.post(LONG)
    tab.page.reload()  # the target of a form's redirect is not routed
    says_how_to_reload(tab)


@pytest.mark.parametrize("api", ["Intl.RelativeTimeFormat", "fetch", "AbortController", "Node.prototype.cloneNode"])
def test_a_page_whose_browser_lacks_what_the_script_needs_says_how_to_reload_it(tab: Tab, api: str) -> None:
    without(tab, api)
    tab.post(LONG)
    says_how_to_reload(tab)


def test_a_refresh_that_this_browser_cannot_show_ends_the_updates_and_says_so(tab: Tab) -> None:
    tab.post(LONG)
    tab.wait_for_connection_text("Live")
    expect(notice(tab)).to_be_hidden()
    tab.page.evaluate("delete Element.prototype.replaceWith")
    tab.wait_for_connection_text("")
    says_how_to_reload(tab)
    assert tab.errors == [], "it is no error that repeats every second"


def test_the_home_page_says_so_too_and_keeps_what_is_being_written(tab: Tab) -> None:
    tab.page.route(re.compile("/static/live.js"), lambda route: route.abort())
    tab.post(LONG)
    tab.page.goto("/")
    tab.page.get_by_label("Your thought").fill("the next one")
    expect(notice(tab)).to_be_visible(timeout=TIMEOUT_MS)
    expect(tab.page.get_by_label("Your thought")).to_have_value("the next one")


def test_without_javascript_a_page_that_reloads_itself_shows_no_notice(scriptless_tab: Tab) -> None:
    scriptless_tab.post(LONG)
    expect(scriptless_tab.page.locator("[data-no-updates]")).to_have_css("display", "none")


def says_how_to_reload(tab: Tab) -> None:
    """Check that the notice appears, is legible, and that its link shows the progress made meanwhile."""
    expect(notice(tab)).to_be_visible(timeout=TIMEOUT_MS)
    expect(notice(tab)).to_contain_text("does not update itself in this browser")
    assert box_height(tab.page) > 10
    for scheme in ("light", "dark"):
        assert tab.low_contrast_texts(scheme) == []
    eventually(lambda: 'class="step step-completed"' in tab.page.request.get(tab.page.url).text())
    notice(tab).get_by_role("link").click()
    tab.wait_for_completed_step(1)


def box_height(page: Page) -> float:
    box = page.locator("[data-no-updates]").bounding_box()
    return box["height"] if box else 0.0
