"""Talks to the web as a program does: JSON over HTTP, with the cookie that identifies its user."""

import json
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from http.client import HTTPResponse
from http.cookiejar import CookieJar
from typing import Any, Final
from urllib.error import HTTPError
from urllib.parse import urlsplit
from urllib.request import HTTPCookieProcessor, ProxyHandler, Request, build_opener

from validation.waiting import milliseconds_since

REQUEST_SECONDS: Final = 15.0
LOOPBACK_HOSTS: Final = frozenset({"localhost", "127.0.0.1", "::1"})


@dataclass(frozen=True, slots=True)
class Answer:
    """The answer to a request. `body` is empty when the answer is not a JSON object."""

    status: int
    body: Mapping[str, Any]
    milliseconds: int


class WebClient:
    """A client with its own cookies. Methods raise OSError when nobody answers."""

    def __init__(self, base_url: str, metrics_token: str | None = None) -> None:
        self.base_url = base_url.rstrip("/")
        self._metrics_token = metrics_token
        # A proxy of the environment knows neither this machine's own servers nor the names of a container network.
        proxies = [ProxyHandler({})] if is_near(self.base_url) else []
        self._opener = build_opener(*proxies, HTTPCookieProcessor(CookieJar()))

    def get(self, path: str) -> Answer:
        """Request a page or JSON."""
        return self._request(Request(f"{self.base_url}{path}"))  # noqa: S310  `validate` checks the scheme

    def get_figures(self, path: str) -> Answer:
        """Request JSON that the web tells only the holder of METRICS_TOKEN, if it is set."""
        request = Request(f"{self.base_url}{path}")  # noqa: S310
        if self._metrics_token:
            request.add_unredirected_header("Authorization", f"Bearer {self._metrics_token}")
        return self._request(request)

    def post(self, path: str, body: Mapping[str, Any]) -> Answer:
        """Send JSON."""
        headers = {"Content-Type": "application/json"}
        data = json.dumps(body).encode()
        return self._request(Request(f"{self.base_url}{path}", data, headers))  # noqa: S310

    def delete(self, path: str) -> Answer:
        """Send DELETE."""
        return self._request(Request(f"{self.base_url}{path}", method="DELETE"))  # noqa: S310

    @contextmanager
    def open_stream(self, path: str, seconds: float) -> Iterator[HTTPResponse]:
        """Open a response that is read line by line; `seconds` is the longest wait for the next bytes.

        Raises HTTPError when the answer is an error.
        """
        request = Request(f"{self.base_url}{path}", headers={"Accept": "text/event-stream"})  # noqa: S310
        with self._opener.open(request, timeout=seconds) as response:
            yield response

    def _request(self, request: Request) -> Answer:
        started_at = time.monotonic()
        try:
            with self._opener.open(request, timeout=REQUEST_SECONDS) as response:
                status, text = response.status, response.read()
        except HTTPError as error:
            with error:
                status, text = error.code, error.read()
        return Answer(status, _json_object(text), milliseconds_since(started_at))


def is_near(url: str) -> bool:
    """Return whether a URL is of this machine, or has a host name without a domain, such as a container's."""
    host = urlsplit(url).hostname or ""
    return host in LOOPBACK_HOSTS or not set(host) & set(".:")


def _json_object(text: bytes) -> Mapping[str, Any]:
    try:
        body = json.loads(text)
    except ValueError:
        return {}
    return body if isinstance(body, dict) else {}


def describe_problem(answer: Answer) -> str:
    """Return the status of an answer, and the reason that the web gives for it."""
    reason = answer.body.get("detail") or answer.body.get("title") or ""
    return f"{answer.status} {reason}".strip()
