"""A person signs in while their thoughts are analysed and processes are killed: all become the account's, in order."""

import os
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from random import Random

from tests.eventually import eventually
from tests.faults.browsers import Browser
from tests.faults.readers import PostgresReader
from tests.faults.verification import Disruption
from tests.faults.workload import verify_when_terminal
from tests.running_stack import FULL_EVENT_SEQUENCE, Stack

ROUNDS = 6
EMAIL, PASSWORD = "ada@example.org", "a long enough password"
VICTIMS = ("worker.1", "worker.2", "bridge.1", "bridge.2", "relay.1", "relay.2", "web.1")
KILLS_PER_ROUND = 5
MAX_PAUSE_SECONDS = 0.5
PACE = threading.Event()
"""Never set. The killer waits on it for its pace."""

TEXT = "Written {} [[delay:analysis:700]]"


@dataclass
class Lines:
    """The thoughts of a test, as lists that the system must work off in order."""

    account: list[str] = field(default_factory=list)
    browsers: list[list[str]] = field(default_factory=list)

    def pairs(self) -> list[tuple[str, str]]:
        """Return all thoughts with the name of their list."""
        named = [("account", self.account), *((f"browser {n}", line) for n, line in enumerate(self.browsers))]
        return [(name, thought) for name, line in named for thought in line]


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
    """Write thoughts in a new browser, and sign in while the first one is in a call and processes are killed.

    That thought may have begun beside those of the account, all others begin after them.
    """
    if has_line:
        lines.account += [home.write(TEXT.format("at home")) for _ in range(2)]
    browser = Browser(stack.url)
    line = [browser.write(TEXT.format("before the sign-in")) for _ in range(3)]
    eventually(lambda: stack.call_counts(line[0]), timeout=60)
    with killing(stack, rng, kills):
        browser.sign_in(EMAIL, PASSWORD)
        line.append(browser.write(TEXT.format("after the sign-in")))
    lines.browsers.append(line)
    lines.account += line[1:]


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
    findings = verify_when_terminal(stack, accepted, kills)
    assert findings.violations == []
    assert {thought.status for thought in reader.thoughts([thought for _, thought in accepted]).values()} == {
        "completed"
    }
    listed = home.thoughts()
    assert set(listed) == {thought for _, thought in accepted}
    for line in lines.browsers:
        assert [thought for thought in listed if thought in line] == line[::-1]
    assert kills, "nothing was killed"
    eventually(lambda: all(process["ready"] for process in stack.status()["processes"]), timeout=120)
    stack.run_bridge("audit")
