"""The pages as a person meets them, in a real browser on a real stack."""

from tests.browser.visits import Visit
from tests.eventually import eventually
from tests.running import WHOLE_STORY

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

    shown = visit.shown()
    assert shown == sorted(shown), "the page never went back, also over the reload"
    assert set(shown) & {1, 2, 3, 4}, "it was seen on its way"
    assert shown[-1] == 5
    eventually(lambda: visit.heard()[-1][-1] == WHOLE_STORY[-1])  # the page may know of the end a moment earlier
    _, before, after = visit.heard()
    assert before == WHOLE_STORY[: len(before)]
    assert after == WHOLE_STORY

    analysis = visit.analysis()
    assert list(analysis) == TITLES
    assert all(text.strip() for text in analysis.values())
    assert visit.page.locator("[data-part=verdict]").is_visible()
    assert TEXT in visit.page.locator("blockquote").inner_text()
    assert visit.complaints == []


def test_the_front_page_shows_the_thought_live(visit: Visit) -> None:
    visit.post(f"{TEXT} [[delay:priority:2000]]")
    visit.page.goto("/")
    entry = visit.page.locator(".thoughts li").filter(has_text=TEXT)
    entry.get_by_role("link").focus()
    assert visit.shows_the_whole_focus()
    entry.locator(".icon-completed").wait_for()
    entry.get_by_role("link").click()
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
