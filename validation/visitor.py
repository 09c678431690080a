"""The user that the validation invents for itself: submits thoughts, and deletes them at the end."""

import time
from dataclasses import dataclass
from http import HTTPStatus
from uuid import uuid4

from validation.outcome import StepFailedError
from validation.web_client import WebClient, describe_problem

NOT_ACCEPTED_CURE = (
    "read the log of web; 503 means that PostgreSQL is unavailable, 403 that TRUST_USER_ID differs between the web and "
    "this command"
)


@dataclass(frozen=True, slots=True)
class Submitted:
    """A thought that the web has accepted, and when it was sent, on the monotonic clock."""

    id: str
    sent_at: float
    milliseconds: int
    """How long the web took to accept it."""


class Visitor:
    """A new user for each run, so that no other user's thoughts are read, delayed or deleted."""

    def __init__(self, web: WebClient, *, names_itself: bool) -> None:
        """`names_itself` says that the web trusts the `user_id` of a request; otherwise its cookie names the user."""
        self._web = web
        self.user_id = str(uuid4()) if names_itself else None
        self._names_itself = names_itself
        self._submitted: list[str] = []

    def submit(self, text: str) -> Submitted:
        """Submit a thought. Raises StepFailedError when the web refuses it, OSError when it does not answer."""
        if self._names_itself:
            body = {"text": text, "user_id": self.user_id, "reuse": False}
        else:
            if self.user_id is None:
                self._web.get("/")  # a browser has its cookie before it sends its first thought
            body = {"text": text, "reuse": False}
        sent_at = time.monotonic()
        answer = self._web.post("/thoughts", body)
        if answer.status != HTTPStatus.CREATED or "id" not in answer.body:
            raise StepFailedError(
                f"POST {self._web.base_url}/thoughts was answered with {describe_problem(answer)}", NOT_ACCEPTED_CURE
            )
        self.user_id = str(answer.body["user_id"])
        self._submitted.append(str(answer.body["id"]))
        return Submitted(self._submitted[-1], sent_at, answer.milliseconds)

    def delete_thoughts(self) -> tuple[list[str], list[str]]:
        """Delete what was submitted. Return the ids of the deleted thoughts, and of those that could not be deleted."""
        deleted = [thought for thought in self._submitted if self._is_deleted(thought)]
        return deleted, [thought for thought in self._submitted if thought not in deleted]

    def _is_deleted(self, thought: str) -> bool:
        try:
            return self._web.delete(f"/thoughts/{thought}").status == HTTPStatus.NO_CONTENT
        except OSError:
            return False
