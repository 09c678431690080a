"""A person at a browser, and what the browser notes down meanwhile."""

import json
import re
from typing import Literal

from playwright.sync_api import BrowserContext, ConsoleMessage, Locator, Response, expect

WITNESS = """
// Kept over reloads. Each load of the page begins a list of the events that its streams bring.
const loads = JSON.parse(sessionStorage.getItem("loads") ?? "[]");
loads.push([]);
const keep = () => sessionStorage.setItem("loads", JSON.stringify(loads));
keep();
window.EventSource = class extends EventSource {
  addEventListener(kind, ...rest) {
    if (kind.startsWith("thought_") || kind === "reset") {
      super.addEventListener(kind, (event) => { loads.at(-1).push([kind, JSON.parse(event.data)]); keep(); });
    }
    super.addEventListener(kind, ...rest);
  }
};
const shown = JSON.parse(sessionStorage.getItem("shown") ?? "[]");
new MutationObserver(() => {
  if (!document.querySelector(".steps")) return;
  const done = document.querySelectorAll(".step-completed").length;
  if (shown.at(-1) !== done) shown.push(done);
  sessionStorage.setItem("shown", JSON.stringify(shown));
}).observe(document, { subtree: true, childList: true });
addEventListener("securitypolicyviolation", (event) => console.error(`${event.violatedDirective} ${event.blockedURI}`));
"""

HARD_TO_READ = """
() => {
  const numbers = (color) => color.match(/[\\d.]+/g).map(Number);
  const linear = (value) => (value /= 255) <= 0.03928 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4;
  const light = ([red, green, blue]) => 0.2126 * linear(red) + 0.7152 * linear(green) + 0.0722 * linear(blue);
  const isClear = (element) => (numbers(getComputedStyle(element).backgroundColor)[3] ?? 1) === 0;
  const behind = (element) => isClear(element) && element.parentElement ? behind(element.parentElement) : element;
  const contrast = (element) => {
    const shades = [getComputedStyle(element).color, getComputedStyle(behind(element)).backgroundColor];
    const [darker, lighter] = shades.map((shade) => light(numbers(shade))).sort((a, b) => a - b);
    return (lighter + 0.05) / (darker + 0.05);
  };
  const hasText = (element) => [...element.childNodes].some((node) => node.nodeType === 3 && node.data.trim());
  return [...document.querySelectorAll("body *")].filter((element) => element.checkVisibility() && hasText(element))
    .map((element) => [element.outerHTML.slice(0, 60), contrast(element)])
    .filter(([, ratio]) => ratio < 4.5);
}
"""
"""Every text on a page whose contrast with what is behind it is less than what WCAG asks for (4.5 to 1)."""

PATIENCE_MS = 60_000


class Visit:
    """One tab. `complaints` holds what the console calls an error, and uncaught errors; refused by policy included."""

    def __init__(self, context: BrowserContext) -> None:
        context.add_init_script(WITNESS)
        context.set_default_timeout(PATIENCE_MS)
        self.page = context.new_page()
        self.complaints: list[str] = []
        self.answers: list[tuple[str, str, int]] = []
        self.page.on("console", self._hear)
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.on("response", self._note)

    def post(self, text: str) -> None:
        """Write a thought into the form and send it; ends on the thought's page."""
        self.page.goto("/")
        self.page.get_by_label("Your thought").fill(text)
        self.page.get_by_role("button", name="Send it to the agents").click()
        self.page.wait_for_url(re.compile("/t/[0-9a-f-]{36}$"))

    def step(self, number: int) -> Locator:
        return self.page.locator(".step").nth(number - 1)

    def sees_completed(self, number: int) -> None:
        """Wait until this agent is shown as completed."""
        expect(self.step(number)).to_have_class(re.compile("step-completed"), timeout=PATIENCE_MS)

    def sees_the_end(self) -> None:
        """Wait until the thought is shown as completed."""
        expect(self.page.locator(".state-completed")).to_be_visible(timeout=PATIENCE_MS)

    def analysis(self) -> dict[str, str]:
        """What the page tells of each agent's result, by the agent's title."""
        found = self.page.locator("section.found").all()
        return {
            str(section.get_by_role("heading").text_content()).split(maxsplit=1)[1].strip(): "\n".join(
                section.locator("dd").all_inner_texts()
            )
            for section in found
        }

    def comes_back(self) -> None:
        """Look at this tab again, after another one."""
        self.page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")

    def sees_connection(self, words: str) -> None:
        """Wait until the page says so of its connection; nothing where it says nothing."""
        expect(self.page.locator("[data-connection]")).to_have_text(words, timeout=PATIENCE_MS)

    def shows_the_whole_focus(self) -> bool:
        """Whether the outline of what has the focus lies within it, so that nothing around it cuts it off."""
        style = "const {outlineStyle, outlineWidth, outlineOffset} = getComputedStyle(document.activeElement)"
        whole = "outlineStyle === 'solid' && parseFloat(outlineOffset) <= -parseFloat(outlineWidth)"
        return bool(self.page.evaluate(f"() => {{ {style}; return {whole}; }}"))

    def hard_to_read(self, scheme: Literal["light", "dark"]) -> list[object]:
        """Texts with too little contrast in this scheme, once its colours do not change any more."""
        self.page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
        return list(self.page.evaluate(HARD_TO_READ))

    def heard(self) -> list[list[str]]:
        """The kinds of events, agents with their progress, in the order of their coming; a list a load of the page."""
        loads = json.loads(self.page.evaluate("sessionStorage.getItem('loads')"))
        return [[f"{kind} {data.get('progress', '')}".strip() for kind, data in events] for events in loads]

    def shown(self) -> list[int]:
        """How many agents the page showed as completed, at each change."""
        return list(json.loads(self.page.evaluate("sessionStorage.getItem('shown')")))

    def _hear(self, message: ConsoleMessage) -> None:
        if message.type == "error":
            self.complaints.append(f"{message.text} {message.location}")

    def _note(self, response: Response) -> None:
        self.answers.append((response.request.method, response.url, response.status))
