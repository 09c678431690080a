"""People who write while things break, and say the same again until it is accepted, as good clients do."""

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

ANSWER_SECONDS = 15.0
"""A web that PostgreSQL does not answer says 503 within some seven seconds."""

LAST_WORDS_SECONDS = 120.0
AGAIN_SECONDS = 0.2
PACE = threading.Event()
"""Never set: people come again at a pace; nothing is waited for by it."""

NO_ANSWER = 0
"""Counted in the place of a status: the connection was refused, reset, or silent for ANSWER_SECONDS."""

WISHES = (
    (84, ""),
    (5, "[[fail:{agent}:transient:1]]"),
    (4, "[[fail:{agent}:transient:2]]"),
    (4, "[[fail:{agent}:permanent:1]]"),
    (3, "[[fail:{agent}:transient:*]]"),
)
"""What thoughts demand of the scripted agents, and how often."""


@dataclass(frozen=True)
class Accepted:
    """A thought that a person was promised."""

    id: str
    user: str
    text: str
    at: float


@dataclass
class People:
    """Each writes at a pace of its own, from `start` to `stop`."""

    url: str
    number: int
    seed: int
    pause: tuple[float, float] = (1.0, 3.0)
    held_up: Callable[[], bool] = lambda: False
    """Whether so much waits that nobody writes more: a slow machine must not pile up work without end."""
    accepted: list[Accepted] = field(default_factory=list)
    answers: "Counter[int]" = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)
    """Answers that no request may get."""

    def __post_init__(self) -> None:
        self._stopping = threading.Event()
        self._threads = [threading.Thread(target=self._write, args=(n,), daemon=True) for n in range(self.number)]

    def start(self) -> None:
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """Return when everybody's last words are accepted."""
        self._stopping.set()
        deadline = time.monotonic() + LAST_WORDS_SECONDS
        for thread in self._threads:
            thread.join(max(0.0, deadline - time.monotonic()))
        silent = sum(thread.is_alive() for thread in self._threads)
        if silent:
            self.wrong.append(f"{silent} people were refused for {LAST_WORDS_SECONDS:g} s after everything was mended")

    def _write(self, number: int) -> None:
        dice = random.Random(f"{self.seed} {number}")
        user, written = str(UUID(int=dice.getrandbits(128), version=4)), 0
        while not self._stopping.wait(dice.uniform(*self.pause)):
            if self.held_up():
                continue
            written += 1
            self._say(user, f"{user} {written}", f"Person {number} writes {written} {_wish(dice)}".strip())

    def _say(self, user: str, key: str, text: str) -> None:
        body = json.dumps({"text": text, "user_id": user}).encode()
        headers = {"Content-Type": "application/json", "Idempotency-Key": key}
        while True:
            request = urllib.request.Request(f"{self.url}/thoughts", body, headers, method="POST")
            if thought := self._ask(request):
                self.accepted.append(Accepted(thought, user, text, time.time()))
                return
            PACE.wait(AGAIN_SECONDS)

    def _ask(self, request: urllib.request.Request) -> str | None:
        try:
            with urllib.request.urlopen(request, timeout=ANSWER_SECONDS) as answer:
                thought = str(json.load(answer)["id"])
                self._note(answer.status, answer.status == 201)
                return thought
        except HTTPError as refused:
            with refused:
                self._note(refused.code, refused.code == 503 and bool(refused.headers["Retry-After"]))
        except (URLError, http.client.HTTPException, OSError, ValueError):
            self._note(NO_ANSWER, is_right=True)
        return None

    def _note(self, status: int, is_right: bool) -> None:
        self.answers[status] += 1
        if not is_right:
            self.wrong.append(f"a POST was answered {status}{' without Retry-After' if status == 503 else ''}")


def _wish(dice: random.Random) -> str:
    (wish,) = dice.choices([words for _, words in WISHES], [weight for weight, _ in WISHES])
    return wish.format(agent=dice.choice(CATALOGUE.names))
