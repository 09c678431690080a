"""A person at a browser, and what the browser notes down meanwhile."""

import json
import re

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
