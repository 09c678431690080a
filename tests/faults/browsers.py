"""A person's browser: it keeps its cookies, fills in forms, and tries again until the site has answered."""

import json
import re
import urllib.parse
import urllib.request
from http.client import HTTPException
from http.cookiejar import CookieJar
from urllib.error import HTTPError, URLError
from uuid import uuid4

from tests.eventually import eventually

TIMEOUT_SECONDS = 20.0
PATIENCE_SECONDS = 120.0
"""How long a person tries while the site does not answer."""

TOKEN = re.compile(r'name="csrf_token"[^>]*value="([^"]+)"')


class Browser:
    """One browser with its own cookies."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._opener = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(CookieJar()))
        self._open("/")

    def write(self, text: str) -> str:
        """Submit a thought, once, however often the request is repeated; return its id."""
        headers = {"Content-Type": "application/json", "Idempotency-Key": str(uuid4())}
        body = json.dumps({"text": text, "reuse": False}).encode()
        request = urllib.request.Request(f"{self._url}/thoughts", body, headers, method="POST")
        return str(json.loads(self._open(request))["id"])

    def sign_up(self, email: str, password: str) -> None:
        """Make the browser's user an account."""
        self._send_form("/account/sign-up", {"email": email, "password": password})

    def sign_in(self, email: str, password: str) -> None:
        """Sign in, again when the answer was lost."""
        self._send_form("/account/sign-in", {"email": email, "password": password})

    def thoughts(self) -> list[str]:
        """Return the ids of the person's thoughts, the latest first, page by page."""
        ids: list[str] = []
        query: str | None = "limit=50"
        while query:
            page = json.loads(self._open(f"/thoughts?{query}"))
            ids += [thought["id"] for thought in page["items"]]
            query = page["next"] and f"limit=50&cursor={page['next']}"
        return ids

    def _send_form(self, path: str, fields: dict[str, str]) -> None:
        """Open a form and send it until the browser is signed in."""

        def is_signed_in() -> bool:
            token = TOKEN.search(self._open(path))
            assert token is not None
            body = urllib.parse.urlencode(fields | {"csrf_token": token[1]}).encode()
            self._try(urllib.request.Request(self._url + path, body, method="POST"))
            return "You are signed in as" in self._open("/account/")

        eventually(is_signed_in, timeout=PATIENCE_SECONDS)

    def _open(self, target: str | urllib.request.Request) -> str:
        """Return the body of an answer; try again while the site is unavailable."""
        request = urllib.request.Request(self._url + target) if isinstance(target, str) else target
        return eventually(lambda: self._try(request), timeout=PATIENCE_SECONDS) or ""

    def _try(self, request: urllib.request.Request) -> str | None:
        """Return the body, or None when there was no answer, or one that says to try again."""
        try:
            with self._opener.open(request, timeout=TIMEOUT_SECONDS) as response:
                return str(response.read().decode())
        except HTTPError as error:
            error.close()
            if error.code not in {429, 502, 503}:
                raise
        except (URLError, HTTPException, OSError):
            pass
        return None
