"""Texts in any direction as a real browser lays them out, and the one name under which it keeps its cookie."""

from urllib.parse import urlsplit

from playwright.sync_api import Locator, expect

from tests.browser.browser_tab import Tab
from tests.eventually import eventually
from tests.running_stack import Stack

HEBREW = (
    "\u05d0\u05e0\u05d9 \u05e8\u05d5\u05e6\u05d4 \u05dc\u05dc\u05de\u05d5\u05d3 Rust \u05d1\u05d7\u05d5\u05e8\u05e3"
)
OVERRIDE = "Open \u202egpj.exe now"

LEFT_EDGES = """
(element) => {
  const walker = document.createTreeWalker(element, NodeFilter.SHOW_TEXT), edges = [];
  for (let node = walker.nextNode(); node; node = walker.nextNode()) {
    for (let index = 0; index < node.length; index++) {
      const range = document.createRange();
      range.setStart(node, index);
      range.setEnd(node, index + 1);
      const box = range.getBoundingClientRect();
      if (box.width && node.data[index].trim()) edges.push([node.data[index], box.left, box.top]);
    }
  }
  return edges;
}
"""
"""Returns each visible character of an element with its left and top edges."""


def visual_order(element: Locator) -> str:
    """Return the characters of an element as they stand from left to right on its first line."""
    edges: list[tuple[str, float, float]] = eventually(lambda: element.evaluate(LEFT_EDGES))  # a page may replace it
    first_line = min(top for _, _, top in edges)
    return "".join(char for char, left, top in sorted(edges, key=lambda edge: edge[1]) if top - first_line < 8)


def test_a_hebrew_thought_is_read_from_the_right_with_its_latin_word_inside(tab: Tab) -> None:
    tab.post(f"{HEBREW} [[delay:priority:0]]")
    quote = tab.page.locator("blockquote")
    assert visual_order(quote).index("Rust") < visual_order(quote).index(HEBREW[0]), "the first letter stands right"
    tab.wait_for_completed_thought()
    tab.page.goto("/")
    title = tab.page.locator(".thoughts .title").first
    expect(title).to_have_css("direction", "rtl")
    assert "Rust" in visual_order(title)
    assert visual_order(tab.page.locator(".thoughts .state").first) == "Completed"


def test_each_line_of_a_thought_has_its_own_direction(tab: Tab) -> None:
    tab.post(f"Two lines:\n{HEBREW}")
    tab.wait_for_completed_thought()
    box = tab.page.locator("blockquote").bounding_box()
    edges: list[tuple[str, float, float]] = tab.page.locator("blockquote").evaluate(LEFT_EDGES)
    assert box is not None
    [right_letter] = [left for char, left, _ in edges if char == HEBREW[0]]
    assert right_letter > box["x"] + box["width"] - 40, "the Hebrew line starts at the right edge"
    assert edges[0][1] < box["x"] + 60, "the English one at the left"


def test_an_override_in_a_text_reverses_nothing_around_it(tab: Tab) -> None:
    tab.post(f"{OVERRIDE} [[delay:priority:0]]")
    assert "\u202e" not in tab.page.title()
    tab.wait_for_completed_thought()
    assert visual_order(tab.page.locator(".head > .muted").first).startswith("Written")
    for source in tab.page.locator(".quotation .source").all():
        assert visual_order(source) == "yourthought"
    tab.page.goto("/")
    assert visual_order(tab.page.locator(".thoughts .state").first) == "Completed"
    assert tab.errors == []


def test_what_is_written_at_one_name_of_this_machine_is_found_at_the_other(tab: Tab, stack: Stack) -> None:
    localhost = f"http://localhost:{urlsplit(stack.url).port}"
    tab.page.goto(localhost)
    assert tab.page.url == f"{stack.url}/"
    tab.post("Should I learn Rust this winter?")
    thought = tab.page.url
    tab.page.goto(thought.replace(stack.url, localhost))
    assert tab.page.url == thought
    tab.page.goto(f"{localhost}/#thoughts")
    expect(tab.page.locator(".thoughts .title")).to_have_text("Should I learn Rust this winter?")
    assert tab.errors == []
