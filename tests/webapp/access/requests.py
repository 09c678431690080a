"""An example of a request for each endpoint that takes more than its address."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from flask import Flask

from contracts.database import Database
from tests.webapp.access.actors import Owned, add_account, email_of, sign_in_id
from webapp.account_pages.mailed_links import email_token, sign_up_token
from webapp.accounts import resets

EMAIL, PASSWORD = "owner@example.org", "a long enough password"


@dataclass(frozen=True, slots=True)
class Example:
    """What is sent besides the address: JSON, or the fields of a form, which also gets its CSRF token."""

    json: Any = None
    form: Mapping[str, str] | None = None
    query: Mapping[str, str] = field(default_factory=dict)


EMPTY_FORM: Final = Example(form={})

EXAMPLES: Final[Mapping[tuple[str, str], Example]] = {
    ("POST", "thoughts.create"): Example(json={"text": "a thought"}),
    ("POST", "thoughts.create_batch"): Example(json={"thoughts": [{"text": "a thought"}]}),
    ("POST", "thoughts.delete_by_form"): EMPTY_FORM,
    ("POST", "thought_actions.retry"): Example(),
    ("POST", "thought_actions.cancel"): Example(),
    ("POST", "sse.ticket"): Example(),
    ("PUT", "profile.replace"): Example(json={"goals": ["a goal"]}),
    ("POST", "profile_page.save"): Example(form={"goals": "a goal", "version": "0"}),
    ("POST", "account.sign_up.ask"): Example(form={"email": "new@example.org", "password": PASSWORD}),
    ("POST", "account.sign_up.confirm"): Example(form={"password": PASSWORD}),
    ("POST", "account.resets.ask"): Example(form={"email": EMAIL}),
    ("POST", "account.resets.choose"): Example(form={"password": PASSWORD}),
    ("POST", "account.credentials.password"): Example(form={"present": "not it", "password": PASSWORD}),
    ("POST", "account.credentials.email"): Example(form={"present": "not it", "email": "new@example.org"}),
    ("POST", "account.credentials.confirm_email"): EMPTY_FORM,
    ("POST", "account.personal_data.export"): Example(form={"format": "json"}),
    ("POST", "account.personal_data.delete"): Example(form={"present": "not it"}),
    ("POST", "account.end_sign_in"): EMPTY_FORM,
    ("POST", "admin.reveal_text"): Example(form={"reason": "a reason that is long enough"}),
    ("POST", "account.sign_in"): Example(form={"email": EMAIL, "password": "not the password"}),
    ("POST", "account.sign_out"): EMPTY_FORM,
    ("POST", "account.sign_out_everywhere"): EMPTY_FORM,
    ("POST", "account.tokens.create"): Example(form={"name": "a token", "scopes": "read", "days": "1"}),
    ("POST", "account.tokens.delete"): EMPTY_FORM,
    ("POST", "webhook_pages.create"): Example(form={"url": "https://example.org/", "events": "thought_failed"}),
    ("POST", "webhook_pages.test"): EMPTY_FORM,
    ("POST", "webhook_pages.enable"): EMPTY_FORM,
    ("POST", "webhook_pages.delete"): EMPTY_FORM,
    ("POST", "webhooks.create"): Example(json={"url": "https://example.org/"}),
    ("POST", "webhooks.test"): Example(),
    ("POST", "webhooks.enable"): Example(),
}
"""By method and endpoint. A GET or DELETE needs none. Forms without the right password are served, too: with 422."""

ARGUMENTS: Final[Mapping[str, Callable[[Flask, Database, Owned], str]]] = {
    "filename": lambda app, database, owned: "live.js",
    "user_id": lambda app, database, owned: str(owned.user_id),
    "thought_id": lambda app, database, owned: str(owned.thought_id),
    "token_id": lambda app, database, owned: str(owned.token_id),
    "webhook_id": lambda app, database, owned: str(owned.webhook_id),
    "name": lambda app, database, owned: "not-found",
    "sign_in_id": lambda app, database, owned: str(sign_in_id(database, owned.user_id)),
    "account.sign_up.confirm token": lambda app, database, owned: _signed(app, sign_up_token, "new@example.org"),
    "account.credentials.confirm_email token": lambda app, database, owned: _signed(
        app, email_token, str(owned.user_id), email_of(owned.user_id), "new@example.org"
    ),
    "account.resets.choose token": lambda app, database, owned: _reset_token(database, owned),
}
"""What an argument of an address is for the things of the owner, by its name, or by endpoint and name."""


def argument(name: str, endpoint: str, app: Flask, database: Database, owned: Owned) -> str:
    """Return the value of an argument. Raises AssertionError when it is not known."""
    make = ARGUMENTS.get(f"{endpoint} {name}") or ARGUMENTS.get(name)
    assert make is not None, f"add to ARGUMENTS what {name} of {endpoint} is for the owner"
    return make(app, database, owned)


def _signed(app: Flask, make: Callable[..., str], *values: str) -> str:
    with app.app_context():
        return make(*values)


def _reset_token(database: Database, owned: Owned) -> str:
    """Return the token of a link for the owner, or for another account where the owner can have none."""
    created = resets.create(database, email_of(owned.user_id))
    created = created or resets.create(database, email_of(add_account(database)))
    assert created is not None
    return created[1]


def example(method: str, endpoint: str) -> Example:
    """Return what to send. Raises AssertionError when it is not known."""
    if method in {"GET", "DELETE"}:
        return EXAMPLES.get((method, endpoint), Example())
    assert (method, endpoint) in EXAMPLES, f"add what {method} {endpoint} takes to tests/webapp/access/requests.py"
    return EXAMPLES[method, endpoint]
