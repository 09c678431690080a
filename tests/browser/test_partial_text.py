"""The page shows what an agent is writing, as plain text, until its result is saved."""

import json
import re
from collections.abc import Callable, Iterator
from itertools import pairwise
from uuid import UUID

import pytest
import redis
from playwright.sync_api import Locator, expect

from contracts.progress import publish_partial_texts
from tests.browser.browser_tab import TIMEOUT_MS, Tab
from tests.event_examples import partial_text
from tests.eventually import eventually
from tests.running_stack import Stack

HOSTILE = '</p><img src=x onerror="document.title=1"><script>document.title = 1</script> &amp; second\nline'

Write = Callable[[Tab, int, str], None]


@pytest.fixture
def write(stack: Stack) -> Iterator[Write]:
    """Publish a partial text of an agent of the tab's thought, as a worker does."""
    client = redis.Redis.from_url(stack.initial_status["redis_url"])

    def publish(tab: Tab, step: int, text: str) -> None:
        stream = str(tab.page.locator("[data-live]").get_attribute("data-stream"))
        user, thought = UUID(stream.rpartition("/")[2]), UUID(tab.page.url.rpartition("/")[2])
        publish_partial_texts(client, "thought_updates", [partial_text(user, thought, step, text)])

    yield publish
    client.close()


def section(tab: Tab, agent: str) -> Locator:
    return tab.page.locator(f"section.result#{agent}")


def test_the_text_grows_in_the_agents_section_and_the_saved_result_replaces_it(tab: Tab) -> None:
    tab.page.add_init_script("""
        const texts = JSON.parse(sessionStorage.getItem("texts") ?? "[]");
        new MutationObserver(() => {
          const text = document.querySelector("#analysis:not([hidden]) [data-partial]")?.textContent;
          if (text && texts.at(-1) !== text) texts.push(text);
          sessionStorage.setItem("texts", JSON.stringify(texts));
        }).observe(document, { subtree: true, childList: true, characterData: true });
    """)
    tab.post("Should I learn Rust this winter? [[write:analysis:4000]] [[delay:value_impact:2000]]")
    expect(section(tab, "analysis").locator("[data-partial]")).to_contain_text("made-up", timeout=TIMEOUT_MS)
    assert section(tab, "analysis").is_visible()
    assert tab.low_contrast_texts("light") == []
    assert tab.low_contrast_texts("dark") == []
    tab.wait_for_completed_step(2)
    expect(section(tab, "analysis").locator("dl").first).to_be_visible()
    assert tab.page.locator("#analysis [data-partial]").count() == 0
    texts = json.loads(tab.page.evaluate("sessionStorage.getItem('texts')"))
    assert len(texts) > 2, "it grew"
    assert all(later.startswith(earlier) for earlier, later in pairwise(texts))
    tab.wait_for_completed_thought()
    assert tab.page.locator("[data-partial]").count() == 0
    assert tab.errors == []


def test_a_hostile_text_is_shown_as_it_is_and_that_of_a_completed_agent_is_not(tab: Tab, write: Write) -> None:
    tab.post("Should I learn Rust this winter? [[delay:analysis:15000]]")
    tab.page.locator("#analysis[hidden] [data-partial]").wait_for(state="attached")
    tab.wait_for_connection_text("Live")
    result = section(tab, "classification").inner_text()
    place = section(tab, "analysis").locator("[data-partial]")
    title = tab.page.title()
    write(tab, 1, "late")
    write(tab, 2, HOSTILE)
    expect(place).to_have_text(re.compile("second"))
    assert place.text_content() == HOSTILE
    assert place.locator("*").count() == 0
    assert place.get_attribute("aria-live") == "off"
    assert "second" not in str(tab.page.locator("[data-announcer]").text_content()), "no text is read aloud"
    assert section(tab, "classification").inner_text() == result
    tab.return_to()
    expect(place).to_have_text(re.compile("second"))
    assert tab.page.title() == title
    assert tab.errors == []


def test_a_page_that_does_not_know_yet_that_an_agent_runs_refreshes_when_it_writes(tab: Tab, write: Write) -> None:
    tab.post("Should I learn Rust this winter? [[delay:analysis:15000]]")
    place = section(tab, "analysis").locator("[data-partial]")
    place.wait_for(state="attached")
    tab.wait_for_connection_text("Live")
    tab.page.evaluate("document.querySelector('[data-refresh]').dataset.refresh = 'slow'")
    tab.page.evaluate("document.querySelector('#analysis').remove()")

    def is_shown() -> bool:
        write(tab, 2, "It fits your goals")
        return place.count() == 1 and place.is_visible()

    eventually(is_shown)
