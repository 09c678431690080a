"""Who may call which endpoint: one row for each, in one table, which `webapp.access_check` enforces.

The application does not start while an endpoint has no row. To add a route, add its row to RULES:

- `who`: ANYONE (no user is looked at: only for safe methods), VISITOR (everybody, each for what is theirs), ACCOUNT (an
  account that is signed in) or ADMINISTRATOR, whose pages do not exist for everybody else: no token opens them, and
  the sign-in must be at most an hour old.
- `scopes`: those that an API token needs, all of them. Without any the endpoint is a page or a form, which no token may
  use, and a browser without the sign-in that it needs is led to the page where one signs in. With one it is a call for
  programs, which is then answered with 401.
- `stranger`: the status that everybody but the owner gets, for a route whose address names something of one user. The
  view refuses it, through `webapp.access`; 404 where not even the existence may be known.
- `nobody`: the status that a request gets which has neither a cookie nor a token, where the view refuses it; 303
  when it is led to the sign-in.
- `figures`: for the figures of the installation, the status of the answer to a client that may not read them: 403 (401
  with METRICS_TOKEN), or 200 with less. `webapp.monitoring` decides which clients may.

Methods that differ in who may call them are different endpoints. Then write the row into docs/access.md with
`python -m tests.webapp.access.document`. The tests in `tests/webapp/access` call every endpoint in every role and
compare the answers with this table; where a route takes a body or a new kind of id, they ask for an example of it.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import Final

from webapp.accounts.scopes import Scope


class Who(StrEnum):
    """Who may call an endpoint with a cookie."""

    ANYONE = "anyone"
    VISITOR = "visitor"
    ACCOUNT = "account"
    ADMINISTRATOR = "administrator"


@dataclass(frozen=True, slots=True)
class Rule:
    """The rule of one endpoint; the module's text says what each field means."""

    who: Who
    scopes: tuple[Scope, ...] = ()
    stranger: int | None = None
    nobody: int | None = None
    figures: int | None = None


_READ: Final = (Scope.READ,)
_WRITE: Final = (Scope.WRITE,)
_READ_AND_WRITE: Final = (Scope.WRITE, Scope.READ)
_STREAM: Final = (Scope.STREAM,)
_EXPORT: Final = (Scope.EXPORT,)

_PAGE_FOR_ALL: Final = Rule(Who.ANYONE)
_PAGE: Final = Rule(Who.VISITOR)
_PAGE_OF_OWNER: Final = Rule(Who.VISITOR, stranger=404)
_ACCOUNT_PAGE: Final = Rule(Who.ACCOUNT)
_ACCOUNT_PAGE_OF_OWNER: Final = Rule(Who.ACCOUNT, stranger=404)
_ADMIN_PAGE: Final = Rule(Who.ADMINISTRATOR)

RULES: Final[Mapping[str, Rule]] = MappingProxyType(
    {
        "static": _PAGE_FOR_ALL,
        "health.health": _PAGE_FOR_ALL,
        "health.ready": Rule(Who.ANYONE, figures=200),
        "metrics.metrics": Rule(Who.ANYONE, figures=403),
        "docs.document": _PAGE_FOR_ALL,
        "docs.viewer": _PAGE_FOR_ALL,
        "docs.problems": _PAGE_FOR_ALL,
        "docs.problem": _PAGE_FOR_ALL,
        "thoughts.create": Rule(Who.VISITOR, _WRITE, nobody=403),
        "thoughts.create_batch": Rule(Who.VISITOR, _WRITE, nobody=403),
        "thoughts.listing": Rule(Who.VISITOR, _READ),
        "thoughts.show": Rule(Who.VISITOR, _READ, stranger=404),
        "thoughts.delete": Rule(Who.VISITOR, _WRITE, stranger=404),
        "thoughts.delete_by_form": _PAGE_OF_OWNER,
        "thought_actions.retry": Rule(Who.VISITOR, _WRITE, stranger=404),
        "thought_actions.cancel": Rule(Who.VISITOR, _WRITE, stranger=404),
        "thoughts.usage": Rule(Who.VISITOR, _READ),
        "sse.stream": Rule(Who.VISITOR, _STREAM, stranger=403),
        "sse.ticket": Rule(Who.VISITOR, _STREAM, nobody=401),
        "profile.show": Rule(Who.VISITOR, _READ),
        "profile.replace": Rule(Who.VISITOR, _WRITE, nobody=403),
        "profile_page.edit": _PAGE,
        "profile_page.save": Rule(Who.VISITOR, nobody=403),
        "pages.home": _PAGE,
        "pages.models": _PAGE_FOR_ALL,
        "pages.search": _PAGE,
        "pages.thought": _PAGE_OF_OWNER,
        "pages.resubmission": _PAGE_OF_OWNER,
        "pages.deletion": _PAGE_OF_OWNER,
        "account.sign_up.ask": _PAGE,
        "account.sign_up.confirm": _PAGE,
        "account.resets.ask": _PAGE,
        "account.resets.choose": _PAGE,
        "account.credentials.password": _ACCOUNT_PAGE,
        "account.credentials.email": _ACCOUNT_PAGE,
        "account.credentials.confirm_email": _ACCOUNT_PAGE_OF_OWNER,
        "account.personal_data.export_page": _PAGE,
        "account.personal_data.export": _PAGE,
        "account.personal_data.delete": _ACCOUNT_PAGE,
        "account.end_sign_in": _ACCOUNT_PAGE,
        "security_log.show": Rule(Who.VISITOR, nobody=303),
        "admin.overview": _ADMIN_PAGE,
        "admin.reveal_text": _ADMIN_PAGE,
        "account.sign_in": _PAGE,
        "account.sign_out": _PAGE,
        "account.sign_out_everywhere": _PAGE,
        "account.show": _ACCOUNT_PAGE,
        "account.tokens.show": _ACCOUNT_PAGE,
        "account.tokens.create": _ACCOUNT_PAGE,
        "account.tokens.delete": _ACCOUNT_PAGE_OF_OWNER,
        "exports.export_call": Rule(Who.ACCOUNT, _EXPORT),
        "tokens.listing": Rule(Who.ACCOUNT, _READ),
        "tokens.delete": Rule(Who.ACCOUNT, _WRITE, stranger=404),
        "webhook_pages.show": _ACCOUNT_PAGE,
        "webhook_pages.create": _ACCOUNT_PAGE,
        "webhook_pages.test": _ACCOUNT_PAGE_OF_OWNER,
        "webhook_pages.enable": _ACCOUNT_PAGE_OF_OWNER,
        "webhook_pages.delete": _ACCOUNT_PAGE_OF_OWNER,
        "webhooks.listing": Rule(Who.ACCOUNT, _READ),
        "webhooks.create": Rule(Who.ACCOUNT, _READ_AND_WRITE),
        "webhooks.test": Rule(Who.ACCOUNT, _WRITE, stranger=404),
        "webhooks.enable": Rule(Who.ACCOUNT, _READ_AND_WRITE, stranger=404),
        "webhooks.delete": Rule(Who.ACCOUNT, _WRITE, stranger=404),
    }
)
