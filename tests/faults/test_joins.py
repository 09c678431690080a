"""A person signs in while their thoughts are analysed and processes are killed: all become the account's, in order."""

import os
import signal
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from random import Random

from tests.eventually import eventually
from tests.faults.browsers import Browser
from tests.faults.readers import PostgresReader
from tests.faults.verification import Calls, Disruption, Thought, verify
from tests.faults.workload import all_calls, verify_when_terminal
from tests.running_stack import FULL_EVENT_SEQUENCE, Stack

ROUNDS = 4
EMAIL, PASSWORD = "ada@example.org", "a long enough password"
VICTIMS = ("worker.1", "worker.2", "bridge.1", "bridge.2", "relay.1", "relay.2", "web.1")
KILLS_PER_ROUND = 5
MAX_PAUSE_SECONDS = 0.5
PACE = threading.Event()
"""Never set. The killer waits on it for its pace."""

TEXT = "Written {} [[delay:analysis:700]]"

CLAIM_SECONDS = 0.25
"""How long after its claim a call starts at the latest."""


@dataclass
class Lines:
    """The thoughts of a test, as lists that the system must work off in order."""

    home: list[str] = field(default_factory=list)
    """Those that the account wrote at home."""
    browsers: list[list[str]] = field(default_factory=list)
    """Those of each other browser, before and after its sign-in."""
    account: list[str] = field(default_factory=list)
    """All of them, in the order in which the account got them."""
    signed_in_at: dict[str, float] = field(default_factory=dict)
    """Thought -> when its browser was signed in, in seconds since the epoch."""

    def pairs(self) -> list[tuple[str, str]]:
        """Return all thoughts with the name of the browser that wrote them."""
        named = [("home", self.home), *((f"browser {n}", line) for n, line in enumerate(self.browsers))]
        return [(name, thought) for name, line in named for thought in line]

    def moved(self, thoughts: Mapping[str, Thought]) -> list[tuple[str, str]]:
        """Return the account's thoughts without those that had ended before their browser was signed in."""
        return [
            ("account", thought)
            for thought in self.account
            if (thoughts[thought].finished_at or 0.0) > self.signed_in_at.get(thought, 0.0)
        ]

    def later_calls(self, calls: Calls) -> Calls:
        """Return the calls without those that were claimed before the browser was signed in."""
        return {
            (thought, agent): [
                call for call in of_step if call.started_at > self.signed_in_at.get(thought, 0.0) + CLAIM_SECONDS
            ]
            for (thought, agent), of_step in calls.items()
        }


@contextmanager
def killing(stack: Stack, rng: Random, kills: list[Disruption]) -> Iterator[None]:
    """Kill most of the processes, one after the other at random moments, while the block runs."""

    def kill_each() -> None:
        for name in rng.sample(VICTIMS, KILLS_PER_ROUND):
            PACE.wait(rng.uniform(0.0, MAX_PAUSE_SECONDS))
            pid = stack.running_pid(name)
            if pid is not None:
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
                    kills.append(Disruption(pid, time.time(), time.time()))

    thread = threading.Thread(target=kill_each, daemon=True)
    thread.start()
    try:
        yield
    finally:
        thread.join()


def sign_in_during_work(
    stack: Stack, home: Browser, lines: Lines, rng: Random, kills: list[Disruption], *, has_line: bool
) -> None:
    """Write thoughts in a new browser, and sign in while one of them is in a call and processes are killed."""
    if has_line:
        lines.home += [home.write(TEXT.format("at home")) for _ in range(2)]
        lines.account += lines.home[-2:]
    browser = Browser(stack.url)
    line = [browser.write(TEXT.format("before the sign-in")) for _ in range(3)]
    eventually(lambda: stack.call_counts(line[0]), timeout=60)
    with killing(stack, rng, kills):
        browser.sign_in(EMAIL, PASSWORD)
        lines.signed_in_at |= dict.fromkeys(line, time.time())
        line.append(browser.write(TEXT.format("after the sign-in")))
    lines.browsers.append(line)
    lines.account += line


def test_the_accounts_open_stream_shows_every_event_of_a_thought_that_joins_during_its_analysis(stack: Stack) -> None:
    home, browser = Browser(stack.url), Browser(stack.url)
    home.sign_up("grace@example.org", PASSWORD)
    own = stack.wait_until_terminal(home.write("Written at home"))
    listener = stack.listen(own["user_id"])
    moved = browser.write("Written before the sign-in [[delay:analysis:4000]]")
    eventually(lambda: stack.call_counts(moved)["analysis"], timeout=60)
    browser.sign_in("grace@example.org", PASSWORD)
    eventually(lambda: "thought_completed" in listener.event_names(moved), timeout=60)
    assert listener.event_names(moved) == FULL_EVENT_SEQUENCE


def test_thoughts_join_an_account_in_order_while_processes_are_killed(stack: Stack) -> None:
    home, lines, rng = Browser(stack.url), Lines(), Random(16)
    kills: list[Disruption] = []
    home.sign_up(EMAIL, PASSWORD)
    for number in range(ROUNDS):
        sign_in_during_work(stack, home, lines, rng, kills, has_line=number % 3 > 0)
    accepted = lines.pairs()
    reader = PostgresReader(stack.initial_status["database_url"])
    eventually(lambda: not reader.open_thoughts([thought for _, thought in accepted]), timeout=300)
    assert verify_when_terminal(stack, accepted, kills).violations == []
    thoughts = reader.thoughts([thought for _, thought in accepted])
    assert {thought.status for thought in thoughts.values()} == {"completed"}
    calls = lines.later_calls(all_calls(stack))
    assert verify(lines.moved(thoughts), thoughts, calls, [], 0.0).reordered == []
    listed = home.thoughts()
    assert set(listed) == {thought for _, thought in accepted}
    for line in lines.browsers:
        assert [thought for thought in listed if thought in line] == line[::-1]
    assert kills, "nothing was killed"
    eventually(lambda: all(process["ready"] for process in stack.status()["processes"]), timeout=120)
    stack.run_bridge("audit")
