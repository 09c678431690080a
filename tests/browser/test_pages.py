"""The pages in a real browser, on a real stack."""

from playwright.sync_api import Route, expect

from tests.browser.browser_tab import Tab
from tests.running_stack import FULL_EVENT_SEQUENCE, Stack

TEXT = "Should I learn Rust this winter?"
TITLES = ["Classification", "Analysis", "Value impact", "Action plan", "Priority"]


def test_the_page_shows_a_thought_from_the_form_to_the_complete_analysis(tab: Tab) -> None:
    tab.post(f"{TEXT} [[delay:priority:10000]]")  # a busy machine needs seconds for the reload
    for number in (1, 2):
        tab.wait_for_completed_step(number)
    tab.page.reload()
    tab.wait_for_connection_text("Live")
    for number in (1, 2):
        assert "step-completed" in str(tab.step(number).get_attribute("class")), "the server renders it"
    for number in (3, 4, 5):
        tab.wait_for_completed_step(number)
    tab.wait_for_completed_thought()
    tab.wait_for_connection_text("")  # a completed thought needs no stream
    assert tab.page.title().startswith(f"Completed: {TEXT}"), "a hidden tab shows the status in its title"

    counts = tab.completed_counts()
    assert counts == sorted(counts), "the page never lost progress, not even during the reload"
    assert set(counts) & {1, 2, 3, 4}, "the page showed intermediate progress"
    assert counts[-1] == 5
    _, before, after = tab.received_events()
    assert before == FULL_EVENT_SEQUENCE[: len(before)]
    assert after == FULL_EVENT_SEQUENCE[: len(after)]
    assert len(after) >= len(FULL_EVENT_SEQUENCE) - 2, "a refresh can show the end before its last two events arrive"

    results = tab.results()
    assert list(results) == TITLES
    assert all(text.strip() for text in results.values())
    assert tab.page.locator("[data-part=conclusion]").is_visible()
    assert TEXT in tab.page.locator("blockquote").inner_text()
    assert tab.errors == []


def test_a_page_that_cannot_refresh_says_so_until_it_is_up_to_date_again(tab: Tab) -> None:
    tab.post(f"{TEXT} [[delay:analysis:60000]]")
    tab.wait_for_completed_step(1)
    tab.wait_for_connection_text("Live")
    for handler in (lambda route: route.fulfill(status=503), never_respond):
        tab.page.route("**/*fragment=1", handler)
        tab.return_to()
        tab.wait_for_connection_text("Not up to date, retrying")
        tab.page.unroute("**/*fragment=1")
        tab.return_to()
        tab.wait_for_connection_text("Live")
    tab.delete_thought()


def never_respond(_: Route) -> None:
    """Leave a request without a response."""


def test_the_page_of_a_failed_thought_notices_a_replay_and_then_the_deletion(tab: Tab, stack: Stack) -> None:
    tab.post(f"{TEXT} [[fail:analysis:permanent:1]] [[delay:value_impact:60000]]")
    tab.page.locator(".state-failed").wait_for()
    tab.wait_for_connection_text("")
    stack.run_bridge("dead-letters", "replay", "--agent", "analysis")
    tab.return_to()
    tab.page.locator(".step-running").wait_for()
    tab.wait_for_connection_text("Live")
    tab.delete_thought()
    tab.page.get_by_text("This thought was deleted.").wait_for()
    tab.wait_for_connection_text("")
    assert tab.page.title() == "Deleted · Thoughts"


def test_the_home_page_updates_a_thought_live_and_keeps_the_focus(tab: Tab) -> None:
    tab.post(f"{TEXT} [[delay:priority:10000]]")
    tab.page.goto("/")
    entry = tab.page.locator(".thoughts li").filter(has_text=TEXT)
    entry.get_by_role("link").focus()
    entry.locator(".icon-completed").wait_for()
    expect(entry.get_by_role("link")).to_be_focused()
    assert tab.is_focus_outline_inside()
    tab.page.keyboard.press("Enter")
    tab.wait_for_completed_thought()
    assert tab.errors == []


def test_every_text_has_enough_contrast_in_light_and_dark_mode(tab: Tab) -> None:
    tab.post(f"{TEXT} [[delay:priority:0]]")
    tab.wait_for_completed_thought()
    assert tab.low_contrast_texts("light") == []
    assert tab.low_contrast_texts("dark") == []


def test_the_form_shows_the_error_of_a_rejected_thought_and_keeps_its_text(tab: Tab) -> None:
    tab.page.goto("/")
    tab.page.get_by_label("Your thought").fill("x" * 10_001)
    tab.page.get_by_role("button").click()
    tab.page.get_by_role("alert").wait_for()
    assert tab.page.get_by_label("Your thought").input_value() == "x" * 10_001


def test_without_javascript_the_page_of_a_thought_refreshes_itself_until_it_is_completed(scriptless_tab: Tab) -> None:
    scriptless_tab.post(TEXT)
    url = scriptless_tab.page.url
    assert [status for method, _, status in scriptless_tab.responses if method == "POST"] == [303]
    scriptless_tab.wait_for_completed_thought()
    assert scriptless_tab.responses.count(("GET", url, 200)) >= 2, "the page reloaded automatically"
    assert scriptless_tab.page.locator("meta[http-equiv=refresh]").count() == 0, "a completed thought does not refresh"
    assert list(scriptless_tab.results()) == TITLES
    assert scriptless_tab.errors == []


def test_without_javascript_a_profile_is_corrected_saved_and_shown_again(scriptless_tab: Tab) -> None:
    page = scriptless_tab.page
    page.goto("/")
    page.get_by_role("link", name="Profile", exact=True).click()
    page.get_by_label("Goals").fill("Sleep more\nLearn Rust")
    page.get_by_label("Time zone").fill("Mars/Base")
    page.get_by_role("button", name="Save your profile").click()
    expect(page.get_by_label("Time zone")).to_have_attribute("aria-invalid", "true")
    expect(page.get_by_text("This is not a known time zone")).to_be_visible()
    expect(page.get_by_label("Goals")).to_have_value("Sleep more\nLearn Rust")
    page.get_by_label("Time zone").fill("europe/berlin")
    page.get_by_role("button", name="Save your profile").click()
    expect(page.get_by_role("status")).to_contain_text("Your profile was saved.")
    expect(page.get_by_label("Time zone")).to_have_value("Europe/Berlin")


def test_every_text_of_the_profile_has_enough_contrast_in_light_and_dark_mode(tab: Tab) -> None:
    tab.post(TEXT)
    tab.wait_for_completed_thought()
    tab.page.goto("/profile/edit")
    expect(tab.page.get_by_role("table")).to_be_visible()
    tab.page.get_by_label("Language").fill("klingon!")
    assert tab.low_contrast_texts("light") == []
    assert tab.low_contrast_texts("dark") == []
    tab.page.get_by_role("button", name="Save your profile").click()
    expect(tab.page.get_by_role("alert")).to_be_visible()
    assert tab.low_contrast_texts("light") == []
    assert tab.low_contrast_texts("dark") == []
