"""The table of the limits: which endpoints belong to which kind of request, and for whom each kind is limited.

The rest of this package reads these tables, so a new route needs a line here and nothing in its view.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal

from webapp.security import SAFE_METHODS

Kind = Literal[
    "sign-ins", "sign-ups", "resets", "password-checks", "email-changes", "thoughts", "exports", "searches", "streams",
    "webhook-tests", "requests",
]  # fmt: skip
"""What is counted. Every limited request also counts as one of `requests`."""

Subject = Literal[
    "per-device", "per-address-and-email", "per-address", "per-email", "per-account", "per-anonymous-user", "per-user",
    "for-all",
]  # fmt: skip
"""Who has a counter of their own. `webapp.limits.subjects` says how each is recognised."""

ENDPOINTS: Final[Mapping[str, Kind]] = {
    "account.credentials.confirm_email": "requests",
    "account.credentials.email": "password-checks",
    "account.credentials.password": "password-checks",
    "account.end_sign_in": "requests",
    "account.personal_data.delete": "password-checks",
    "account.personal_data.export": "exports",
    "account.resets.ask": "resets",
    "account.resets.choose": "resets",
    "account.sign_in": "sign-ins",
    "account.sign_out": "requests",
    "account.sign_out_everywhere": "requests",
    "account.sign_up.ask": "sign-ups",
    "account.sign_up.confirm": "sign-ups",
    "account.tokens.create": "password-checks",
    "account.tokens.delete": "requests",
    "admin.reveal_text": "requests",
    "exports.export_call": "exports",
    "profile.replace": "requests",
    "profile_page.save": "requests",
    "sse.stream": "streams",
    "sse.ticket": "requests",
    "thought_actions.cancel": "requests",
    "thought_actions.retry": "thoughts",
    "thoughts.create": "thoughts",
    "thoughts.create_batch": "thoughts",
    "thoughts.delete": "requests",
    "thoughts.delete_by_form": "requests",
    "tokens.delete": "requests",
    "webhook_pages.create": "requests",
    "webhook_pages.delete": "requests",
    "webhook_pages.enable": "requests",
    "webhook_pages.test": "webhook-tests",
    "webhooks.create": "requests",
    "webhooks.delete": "requests",
    "webhooks.enable": "requests",
    "webhooks.test": "webhook-tests",
}
"""The kind of an endpoint's requests; a test demands a row for each endpoint that changes something.

Searches are recognised by their query, in `kinds_of`. All others are only `requests`."""

SECOND_KINDS: Final[Mapping[str, Kind]] = {"account.credentials.email": "email-changes"}
"""What the requests of an endpoint are besides: this one sends a mail to the address that the form names."""

UNLIMITED_BLUEPRINTS: Final = frozenset({"health", "metrics", "static"})
"""What a load balancer and Prometheus ask for, and the static files, for which nobody is looked up."""

FAIL_CLOSED: Final = frozenset[Kind]({"sign-ins", "sign-ups", "resets", "password-checks", "email-changes"})
"""What is refused while Redis cannot count it, because guessing passwords must never be unlimited."""

HAS_DEVICES: Final = frozenset[Kind]({"sign-ins", "resets"})
"""Kinds for which a browser that has signed in to the account before has a limit of its own and no other."""


@dataclass(frozen=True, slots=True)
class Limit:
    """One limit: its kind and its subject, which name its setting."""

    kind: Kind
    subject: Subject

    @property
    def name(self) -> str:
        """The name of the limit in Redis and in the header RateLimit-Policy, such as `thoughts-per-account`."""
        return f"{self.kind}-{self.subject}"

    @property
    def setting(self) -> str:
        """The field of the settings with the value of the limit."""
        return f"limit_{self.name.replace('-', '_')}"


LIMITS: Final = (
    Limit("sign-ins", "per-device"),
    Limit("sign-ins", "per-address-and-email"),
    Limit("sign-ins", "per-address"),
    Limit("sign-ins", "per-email"),
    Limit("sign-ins", "for-all"),
    Limit("sign-ups", "per-address"),
    Limit("sign-ups", "per-email"),
    Limit("sign-ups", "for-all"),
    Limit("resets", "per-device"),
    Limit("resets", "per-email"),
    Limit("resets", "per-address"),
    Limit("resets", "for-all"),
    Limit("password-checks", "per-user"),
    Limit("email-changes", "per-email"),
    Limit("thoughts", "per-account"),
    Limit("thoughts", "per-anonymous-user"),
    Limit("thoughts", "per-address"),
    Limit("thoughts", "for-all"),
    Limit("exports", "per-user"),
    Limit("exports", "per-address"),
    Limit("exports", "for-all"),
    Limit("searches", "per-user"),
    Limit("searches", "per-address"),
    Limit("searches", "for-all"),
    Limit("streams", "per-user"),
    Limit("streams", "per-address"),
    Limit("streams", "for-all"),
    Limit("webhook-tests", "per-user"),
    Limit("requests", "per-user"),
    Limit("requests", "per-address"),
    Limit("requests", "for-all"),
)
"""All limits. Of those with equally long windows, the first refuses first, so that one client uses up no shared one."""


def kinds_of(endpoint: str, method: str, query: Mapping[str, str]) -> frozenset[Kind]:
    """Return which limits a request counts for. To open a form is no attempt to send it."""
    if endpoint.partition(".")[0] in UNLIMITED_BLUEPRINTS:
        return frozenset()
    kind = _searching_kind(endpoint, query) or ENDPOINTS.get(endpoint, "requests")
    if kind in FAIL_CLOSED and method in SAFE_METHODS:
        return frozenset({"requests"})
    return frozenset({kind, SECOND_KINDS.get(endpoint, kind), "requests"})


def _searching_kind(endpoint: str, query: Mapping[str, str]) -> Kind | None:
    is_search = (endpoint == "pages.search" and query.get("q")) or (
        endpoint == "thoughts.listing" and "similar_to" in query
    )
    return "searches" if is_search else None
