"""A tab of a browser, and what it records while a test uses it."""

import json
import re
from typing import Literal

from playwright.sync_api import BrowserContext, ConsoleMessage, Locator, Response, expect

RECORDER = """
// The records are kept over reloads. Each load of the page adds a list of the events that its streams receive.
const loads = JSON.parse(sessionStorage.getItem("loads") ?? "[]");
const events = [];
loads.push(events);
const store = () => sessionStorage.setItem("loads", JSON.stringify(loads));
store();
window.EventSource = class extends EventSource {
  addEventListener(kind, ...rest) {
    if (kind.startsWith("thought_") || kind === "reset") {
      super.addEventListener(kind, (event) => { events.push([kind, JSON.parse(event.data)]); store(); });
    }
    super.addEventListener(kind, ...rest);
  }
};
const completedCounts = JSON.parse(sessionStorage.getItem("completedCounts") ?? "[]");
new MutationObserver(() => {
  if (!document.querySelector(".steps")) return;
  const count = document.querySelectorAll(".step-completed").length;
  if (completedCounts[completedCounts.length - 1] !== count) completedCounts.push(count);
  sessionStorage.setItem("completedCounts", JSON.stringify(completedCounts));
}).observe(document, { subtree: true, childList: true });
addEventListener("securitypolicyviolation", (event) => console.error(`${event.violatedDirective} ${event.blockedURI}`));
"""

LOW_CONTRAST = """
() => {
  const numbers = (color) => color.match(/[\\d.]+/g).map(Number);
  const linear = (value) => (value /= 255) <= 0.03928 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4;
  const luminance = ([red, green, blue]) => 0.2126 * linear(red) + 0.7152 * linear(green) + 0.0722 * linear(blue);
  const isTransparent = (element) => (numbers(getComputedStyle(element).backgroundColor)[3] ?? 1) === 0;
  const background = (element) =>
    isTransparent(element) && element.parentElement ? background(element.parentElement) : element;
  const contrast = (element) => {
    const colors = [getComputedStyle(element).color, getComputedStyle(background(element)).backgroundColor];
    const [darker, lighter] = colors.map((color) => luminance(numbers(color))).sort((a, b) => a - b);
    return (lighter + 0.05) / (darker + 0.05);
  };
  const hasText = (element) => [...element.childNodes].some((node) => node.nodeType === 3 && node.data.trim());
  return [...document.querySelectorAll("body *")].filter((element) => element.checkVisibility() && hasText(element))
    .map((element) => [element.outerHTML.slice(0, 60), contrast(element)])
    .filter(([, ratio]) => ratio < 4.5);
}
"""
"""Returns every text whose contrast with its background is below the minimum of WCAG (4.5 to 1)."""

TIMEOUT_MS = 60_000


class Tab:
    """One tab. `errors` holds the console's errors, uncaught exceptions and violations of the security policy."""

    def __init__(self, context: BrowserContext) -> None:
        context.add_init_script(RECORDER)
        context.set_default_timeout(TIMEOUT_MS)
        self.page = context.new_page()
        self.errors: list[str] = []
        self.responses: list[tuple[str, str, int]] = []
        self.page.on("console", self._record_console_error)
        self.page.on("pageerror", lambda error: self.errors.append(str(error)))
        self.page.on("response", self._record_response)

    def post(self, text: str) -> None:
        """Submit a thought with the form, and end on the page of the thought."""
        self.page.goto("/")
        self.page.get_by_label("Your thought").fill(text)
        self.page.get_by_role("button", name="Send it to the agents").click()
        self.page.wait_for_url(re.compile("/t/[0-9a-f-]{36}$"))

    def step(self, number: int) -> Locator:
        return self.page.locator(".step").nth(number - 1)

    def wait_for_completed_step(self, number: int) -> None:
        """Wait until this agent is shown as completed."""
        expect(self.step(number)).to_have_class(re.compile("step-completed"), timeout=TIMEOUT_MS)

    def wait_for_completed_thought(self) -> None:
        """Wait until the thought is shown as completed."""
        expect(self.page.locator(".state-completed")).to_be_visible(timeout=TIMEOUT_MS)

    def results(self) -> dict[str, str]:
        """Return the text of each agent's result, by the agent's title."""
        sections = self.page.locator("section.result").all()
        return {
            str(section.get_by_role("heading").text_content()).split(maxsplit=1)[1].strip(): "\n".join(
                section.locator("dd").all_inner_texts()
            )
            for section in sections
        }

    def return_to(self) -> None:
        """Simulate that the person returns to this tab from another one."""
        self.page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")

    def delete_thought(self) -> None:
        """Delete the thought of the page, which also ends the call in progress."""
        self.page.request.delete(self.page.url.replace("/t/", "/thoughts/"))

    def wait_for_connection_text(self, text: str) -> None:
        """Wait until the page shows this state of its connection; an empty text means that it shows none."""
        expect(self.page.locator("[data-connection]")).to_have_text(text, timeout=TIMEOUT_MS)

    def is_focus_outline_inside(self) -> bool:
        """Return whether the outline of the focused element lies inside it, so that no ancestor can clip it."""
        style = "const {outlineStyle, outlineWidth, outlineOffset} = getComputedStyle(document.activeElement)"
        is_inside = "outlineStyle === 'solid' && parseFloat(outlineOffset) <= -parseFloat(outlineWidth)"
        return bool(self.page.evaluate(f"() => {{ {style}; return {is_inside}; }}"))

    def low_contrast_texts(self, scheme: Literal["light", "dark"]) -> list[object]:
        """Return the texts with too little contrast in this colour scheme, without animations."""
        self.page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
        return list(self.page.evaluate(LOW_CONTRAST))

    def received_events(self) -> list[list[str]]:
        """Return the names of the received events in order, agents with their progress; one list for each page load."""
        loads = json.loads(self.page.evaluate("sessionStorage.getItem('loads')"))
        return [[f"{kind} {data.get('progress', '')}".strip() for kind, data in events] for events in loads]

    def completed_counts(self) -> list[int]:
        """Return how many agents the page showed as completed, once for each change."""
        return list(json.loads(self.page.evaluate("sessionStorage.getItem('completedCounts')")))

    def _record_console_error(self, message: ConsoleMessage) -> None:
        if message.type == "error":
            self.errors.append(f"{message.text} {message.location}")

    def _record_response(self, response: Response) -> None:
        self.responses.append((response.request.method, response.url, response.status))
