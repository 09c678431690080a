"""Similar thoughts, copied results and the search, in a real browser."""

import re
from typing import Literal

from playwright.sync_api import expect

from tests.browser.browser_tab import Tab

SCHEMES: tuple[Literal["light", "dark"], ...] = ("light", "dark")
BILL = "The hospital sent mum a bill\nthat she cannot pay"
BILL_AGAIN = "Mum got a bill of the hospital which she is unable to pay"


def test_an_equal_thought_names_its_source_and_can_be_analysed_again(tab: Tab) -> None:
    tab.post(BILL)
    tab.wait_for_completed_thought()
    first = tab.page.url
    tab.post(f"{BILL} ")
    tab.wait_for_completed_thought()
    second = tab.page.url
    same = tab.page.locator("[data-part=same]")
    expect(same).to_contain_text("Same as your thought of")
    assert first.endswith(str(same.get_by_role("link").get_attribute("href")))
    for scheme in SCHEMES:
        assert tab.low_contrast_texts(scheme) == []
    same.get_by_role("button", name="Analyse again").click()
    tab.page.wait_for_url(lambda url: url not in (first, second) and bool(re.search("/t/[0-9a-f-]{36}$", url)))
    assert tab.page.locator("blockquote").inner_text() == BILL
    tab.wait_for_completed_thought()
    expect(tab.page.locator("[data-part=same]")).to_contain_text("Similar to your thought of")
    assert "Same as" not in tab.page.locator("article").inner_text()
    assert tab.errors == []


def test_the_page_shows_a_similar_thought_while_the_analysis_goes_on_and_the_search_finds_it(tab: Tab) -> None:
    tab.post(BILL)
    tab.wait_for_completed_thought()
    first = tab.page.url
    tab.post(BILL_AGAIN)
    similar = tab.page.get_by_role("heading", name="Similar thoughts")
    expect(similar).to_be_visible()
    tab.wait_for_completed_thought()
    assert tab.page.locator("[data-part]").last.get_attribute("data-part") == "actions"
    for scheme in SCHEMES:
        assert tab.low_contrast_texts(scheme) == []
    tab.page.locator("[data-part=similar]").get_by_role("link").click()
    tab.page.wait_for_url(first)
    tab.page.goto("/")
    tab.page.get_by_label("Search by meaning").fill("a debt for a treatment")
    tab.page.keyboard.press("Enter")
    expect(tab.page.get_by_role("heading", name="Search your thoughts")).to_be_visible()
    assert tab.page.locator(".thoughts li").count() == 2
    for scheme in SCHEMES:
        assert tab.low_contrast_texts(scheme) == []
    assert tab.errors == []
