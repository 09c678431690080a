"""The buttons that cancel and retry a thought, and the page of webhooks, in a real browser on a real stack."""

from playwright.sync_api import Page, expect

from tests.browser.browser_tab import Tab
from tests.running_stack import new_id

TEXT = "Shall I cancel this?"
MARK = "element => { element.dataset.mark = 'same'; }"


def button(page: Page, name: str) -> None:
    page.get_by_role("button", name=name).click()


def test_a_thought_is_cancelled_and_resumed_with_the_buttons_of_its_page(tab: Tab) -> None:
    tab.post(f"{TEXT} [[delay:analysis:10000]]")
    tab.wait_for_completed_step(1)
    tab.wait_for_connection_text("Live")
    tab.page.get_by_role("button", name="Cancel the analysis").evaluate(MARK)
    tab.return_to()
    tab.page.locator(".step-running").wait_for()
    expect(tab.page.locator("button[data-mark=same]")).to_have_count(1)  # a refresh does not replace the button
    assert tab.low_contrast_texts("light") == []
    button(tab.page, "Cancel the analysis")
    tab.page.get_by_text("You cancelled the analysis.").wait_for()
    assert tab.page.title().startswith("Cancelled:")
    for scheme in ("light", "dark"):
        assert tab.low_contrast_texts(scheme) == []
    tab.page.goto("/")
    expect(tab.page.locator(".thoughts li").filter(has_text=TEXT).first).to_contain_text("Cancelled")
    tab.page.go_back()
    button(tab.page, "Resume the analysis")
    tab.wait_for_completed_thought()
    assert tab.errors == []


def test_another_tab_shows_a_cancellation_at_once(tab: Tab) -> None:
    tab.post(f"{TEXT} [[delay:analysis:10000]]")
    tab.wait_for_connection_text("Live")
    tab.page.request.post(tab.page.url.replace("/t/", "/thoughts/") + "/cancel")
    tab.page.get_by_text("You cancelled the analysis.").wait_for()


def test_without_javascript_a_failed_thought_is_retried(scriptless_tab: Tab) -> None:
    page = scriptless_tab.page
    scriptless_tab.post(f"{TEXT} [[fail:analysis:permanent:1]]")
    button(page, "Retry from this step")
    page.get_by_text("The analysis was resumed at the step where it ended.").wait_for()
    scriptless_tab.wait_for_completed_thought()
    assert scriptless_tab.errors == []


def test_the_page_of_webhooks_can_be_read_and_shows_an_error_beside_its_field(scriptless_tab: Tab) -> None:
    page = scriptless_tab.page
    page.goto("/account/sign-up")
    page.get_by_label("E-mail").fill(f"{new_id()}@example.org")
    page.get_by_label("Password").fill("a long enough password")
    page.locator("form button").first.click()
    page.goto("/account/webhooks")
    page.get_by_label("Address").fill("https://hooks.invalid/")
    button(page, "Add the webhook")
    page.get_by_text("Copy its secret now").wait_for()
    button(page, "Send a test event")
    page.get_by_text("A test event is being sent.").wait_for()
    page.wait_for_load_state()  # its styles
    for scheme in ("light", "dark"):
        assert scriptless_tab.low_contrast_texts(scheme) == []
