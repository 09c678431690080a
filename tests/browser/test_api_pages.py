"""The pages about the API in a real browser: the viewer works under the strict policy, and everything can be read."""

from playwright.sync_api import expect

from tests.browser.browser_tab import Tab
from tests.running_stack import Stack
from webapp.problem_types import PROBLEM_TYPES


def test_the_viewer_shows_every_call_without_a_violation_of_the_policy(tab: Tab) -> None:
    tab.page.goto("/docs")
    calls = tab.page.locator(".opblock")
    expect(calls.first).to_be_visible()
    document = tab.page.request.get("/openapi.json").json()
    assert calls.count() == sum(len(methods) for methods in document["paths"].values())
    for call in calls.all():
        call.locator("button.opblock-summary-control").click()
        expect(call.locator(".responses-table").first).to_be_visible()
    for scheme in ("light", "dark"):
        assert tab.low_contrast_texts(scheme) == []
    assert tab.errors == []


def test_a_call_can_be_tried_in_the_viewer(tab: Tab) -> None:
    tab.page.goto("/docs")
    call = tab.page.locator("#operations-Thoughts-listThoughts")
    call.locator("button.opblock-summary-control").click()
    call.get_by_role("button", name="Try it out").click()
    call.get_by_role("button", name="Execute").click()
    expect(call.locator(".live-responses-table tbody .response-col_status").first).to_contain_text("200")
    assert tab.errors == []


def test_without_a_script_the_viewer_leads_to_the_document_and_the_problems_can_be_read(
    scriptless_tab: Tab, stack: Stack
) -> None:
    page = scriptless_tab.page
    page.goto("/docs")
    expect(page.get_by_role("main")).to_contain_text("the OpenAPI document")
    page.get_by_role("link", name="Problems").click()
    expect(page.locator("section")).to_have_count(len(PROBLEM_TYPES))
    page.goto("/problems/not-found")
    assert page.url == f"{stack.url}/problems#not-found"
    assert scriptless_tab.errors == []
