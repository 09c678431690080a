"""The pages as a person meets them, in a real browser on a real stack."""

from playwright.sync_api import Route, expect

from tests.browser.visits import Visit
from tests.running_stack import WHOLE_STORY, Stack

TEXT = "Should I learn Rust this winter?"
TITLES = ["Classification", "Analysis", "Value impact", "Action plan", "Priority"]


def test_a_thought_is_watched_from_the_form_to_the_whole_analysis(visit: Visit) -> None:
    visit.post(f"{TEXT} [[delay:priority:2000]]")
    for number in (1, 2):
        visit.sees_completed(number)
    visit.page.reload()
    for number in (1, 2):
        assert "step-completed" in str(visit.step(number).get_attribute("class")), "drawn before any script ran"
    for number in (3, 4, 5):
        visit.sees_completed(number)
    visit.sees_the_end()
    visit.sees_connection("")  # there is nothing left to be live
    assert visit.page.title().startswith(f"Completed: {TEXT}"), "for a tab out of sight"

    shown = visit.shown()
    assert shown == sorted(shown), "the page never went back, also over the reload"
    assert set(shown) & {1, 2, 3, 4}, "it was seen on its way"
    assert shown[-1] == 5
    _, before, after = visit.heard()
    assert before == WHOLE_STORY[: len(before)]
    assert after == WHOLE_STORY[: len(after)]
    assert len(after) >= len(WHOLE_STORY) - 2, "a page that looks just then knows the end before its two events come"

    analysis = visit.analysis()
    assert list(analysis) == TITLES
    assert all(text.strip() for text in analysis.values())
    assert visit.page.locator("[data-part=verdict]").is_visible()
    assert TEXT in visit.page.locator("blockquote").inner_text()
    assert visit.complaints == []


def test_a_page_without_an_answer_says_so_until_it_is_current_again(visit: Visit) -> None:
    visit.post(f"{TEXT} [[delay:analysis:10000]]")
    visit.sees_completed(1)
    visit.sees_connection("Live")
    for refuse in (lambda route: route.fulfill(status=503), never):
        visit.page.route("**/*fragment=1", refuse)
        visit.comes_back()
        visit.sees_connection("Not up to date, trying again")
        visit.page.unroute("**/*fragment=1")
        visit.comes_back()
        visit.sees_connection("Live")


def never(_: Route) -> None:
    """The answer to a request that gets none."""


def test_a_failed_page_notices_that_it_was_started_again_and_then_that_it_was_deleted(
    visit: Visit, stack: Stack
) -> None:
    visit.post(f"{TEXT} [[fail:analysis:permanent:1]] [[delay:value_impact:10000]]")
    visit.page.locator(".state-failed").wait_for()
    visit.sees_connection("")
    stack.bridge("dead-letters", "replay", "--agent", "analysis")
    visit.comes_back()
    visit.page.locator(".step-running").wait_for()
    visit.sees_connection("Live")
    visit.page.request.delete(visit.page.url.replace("/t/", "/thoughts/"))
    visit.page.get_by_text("This thought was deleted.").wait_for()
    visit.sees_connection("")
    assert visit.page.title() == "Deleted · Thoughts"


def test_the_front_page_shows_the_thought_live(visit: Visit) -> None:
    visit.post(f"{TEXT} [[delay:priority:2000]]")
    visit.page.goto("/")
    entry = visit.page.locator(".thoughts li").filter(has_text=TEXT)
    entry.get_by_role("link").focus()
    entry.locator(".icon-completed").wait_for()
    expect(entry.get_by_role("link")).to_be_focused()
    assert visit.shows_the_whole_focus()
    visit.page.keyboard.press("Enter")
    visit.sees_the_end()
    assert visit.complaints == []


def test_every_text_can_be_read_by_day_and_by_night(visit: Visit) -> None:
    visit.post(f"{TEXT} [[delay:priority:0]]")
    visit.sees_the_end()
    assert visit.hard_to_read("light") == []
    assert visit.hard_to_read("dark") == []


def test_a_refused_thought_is_explained_and_kept(visit: Visit) -> None:
    visit.page.goto("/")
    visit.page.get_by_label("Your thought").fill("x" * 10_001)
    visit.page.get_by_role("button").click()
    visit.page.get_by_role("alert").wait_for()
    assert visit.page.get_by_label("Your thought").input_value() == "x" * 10_001


def test_without_scripts_a_thought_is_posted_and_its_page_refreshes_itself_until_the_end(plain_visit: Visit) -> None:
    plain_visit.post(TEXT)
    page = plain_visit.page.url
    assert [status for method, _, status in plain_visit.answers if method == "POST"] == [303]
    plain_visit.sees_the_end()
    assert plain_visit.answers.count(("GET", page, 200)) >= 2, "the page came again by itself"
    assert plain_visit.page.locator("meta[http-equiv=refresh]").count() == 0, "and rests now"
    assert list(plain_visit.analysis()) == TITLES
    assert plain_visit.complaints == []
