"""Generates load: people submit thoughts while faults happen, and repeat each request until it is accepted."""

import http.client
import json
import random
import threading
import time
import urllib.request
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from urllib.error import HTTPError, URLError
from uuid import UUID

from agents.catalogue import CATALOGUE

REQUEST_TIMEOUT_SECONDS = 15.0
"""While PostgreSQL does not answer, the web answers 503 within about seven seconds."""

STOP_TIMEOUT_SECONDS = 120.0
"""How long the last requests may take to be accepted."""

RETRY_SECONDS = 0.2
PACE = threading.Event()
"""Never set. People wait on it for their pace."""

NO_ANSWER = 0
"""Counted in place of a status: the connection was refused, reset, or silent for REQUEST_TIMEOUT_SECONDS."""

DIRECTIVES = (
    (84, ""),
    (5, "[[fail:{agent}:transient:1]]"),
    (4, "[[fail:{agent}:transient:2]]"),
    (4, "[[fail:{agent}:permanent:1]]"),
    (3, "[[fail:{agent}:transient:*]]"),
)
"""Weight and directive: how the scripted agents fail for a thought."""


@dataclass(frozen=True)
class Accepted:
    """An accepted thought."""

    id: str
    user: str
    text: str
    at: float


@dataclass
class LoadGenerator:
    """A number of people, each of whom submits thoughts from `start` to `stop` with a random pause between two."""

    url: str
    people: int
    seed: int
    pause: tuple[float, float] = (1.0, 3.0)
    is_overloaded: Callable[[], bool] = lambda: False
    """Whether too many thoughts are open to submit more: a slow machine must not accumulate work without bound."""
    accepted: list[Accepted] = field(default_factory=list)
    answers: "Counter[int]" = field(default_factory=Counter)
    errors: list[str] = field(default_factory=list)
    """Answers that no request may get."""

    def __post_init__(self) -> None:
        self._stopping = threading.Event()
        self._threads = [threading.Thread(target=self._submit_all, args=(n,), daemon=True) for n in range(self.people)]

    def start(self) -> None:
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """Return when the last request of every person is accepted."""
        self._stopping.set()
        deadline = time.monotonic() + STOP_TIMEOUT_SECONDS
        for thread in self._threads:
            thread.join(max(0.0, deadline - time.monotonic()))
        waiting = sum(thread.is_alive() for thread in self._threads)
        if waiting:
            self.errors.append(
                f"requests of {waiting} people were not accepted within {STOP_TIMEOUT_SECONDS:g} s after the last fault"
            )

    def _submit_all(self, person: int) -> None:
        rng = random.Random(f"{self.seed} {person}")
        user, count = str(UUID(int=rng.getrandbits(128), version=4)), 0
        while not self._stopping.wait(rng.uniform(*self.pause)):
            if self.is_overloaded():
                continue
            count += 1
            self._submit(user, f"{user} {count}", f"Person {person} writes {count} {_directive(rng)}".strip())

    def _submit(self, user: str, key: str, text: str) -> None:
        body = json.dumps({"text": text, "user_id": user}).encode()
        headers = {"Content-Type": "application/json", "Idempotency-Key": key}
        while True:
            request = urllib.request.Request(f"{self.url}/thoughts", body, headers, method="POST")
            if thought_id := self._send(request):
                self.accepted.append(Accepted(thought_id, user, text, time.time()))
                return
            PACE.wait(RETRY_SECONDS)

    def _send(self, request: urllib.request.Request) -> str | None:
        """Send a request; return the id of the accepted thought, or None."""
        try:
            with urllib.request.urlopen(request, timeout=REQUEST_TIMEOUT_SECONDS) as response:
                thought_id = str(json.load(response)["id"])
                self._count(response.status, is_expected=response.status == 201)
                return thought_id
        except HTTPError as error:
            with error:
                self._count(error.code, is_expected=error.code == 503 and bool(error.headers["Retry-After"]))
        except (URLError, http.client.HTTPException, OSError, ValueError):
            self._count(NO_ANSWER, is_expected=True)
        return None

    def _count(self, status: int, *, is_expected: bool) -> None:
        self.answers[status] += 1
        if not is_expected:
            self.errors.append(f"a POST was answered {status}{' without Retry-After' if status == 503 else ''}")


def _directive(rng: random.Random) -> str:
    (directive,) = rng.choices([text for _, text in DIRECTIVES], [weight for weight, _ in DIRECTIVES])
    return directive.format(agent=rng.choice(CATALOGUE.names))
