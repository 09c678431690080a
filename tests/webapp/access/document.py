"""Writes docs/access.md from the table of access rules: `python -m tests.webapp.access.document`."""

from pathlib import Path
from typing import Final

from flask import Flask
from werkzeug.routing import Rule as Route

from contracts.settings import load_settings
from tests.stores import ROOT
from tests.webapp.access.roles import Role, promised
from webapp import create_app
from webapp.access_rules import RULES

PAGE: Final = Path(ROOT) / "docs" / "access.md"

ALIKE: Final = {
    Role.DELETED_TOKEN: Role.EXPIRED_TOKEN,
    Role.TOKEN_OF_DISABLED_USER: Role.EXPIRED_TOKEN,
    Role.TOKEN_OF_DELETED_USER: Role.EXPIRED_TOKEN,
    Role.ADMINISTRATORS_TOKEN: Role.OTHER_TOKEN,
    Role.DISABLED_OWNER: Role.FORMER_VISITOR,
}
"""Roles without a column -> the one whose answers they get."""

COLUMNS: Final = tuple(role for role in Role if role not in ALIKE)

INTRODUCTION: Final = """\
# Who may call what

Written by `python -m tests.webapp.access.document` from [`webapp/access_rules.py`](../webapp/access_rules.py). A test
sends every request of this table in every role to the application, on real rows, and compares the answers; it fails for
a route that has no row.

- **yes**: the request is served. Where an address names no user, each client gets only what is theirs.
- **sign in**: a browser is led to the page where one signs in.
- **401**: a program is asked for an API token, or its token is wrong, has expired or was deleted, or its user is
  disabled or deleted. **403**: refused. **404**: refused as if the thing did not exist.

The request is about a thing of the owner: an account, or an anonymous visitor. A *former visitor* has a copy of the
cookie from before the owner signed up. With TRUST_USER_ID=true, which serves only this machine's own addresses, every
client without a token acts for every user. The token of an administrator is like any other one, and the browser of a
disabled account like that of a former visitor. `/metrics` and the details of `/health/ready` are for programs of this
machine. With METRICS_TOKEN they are for clients that send it, and the answer to others is 401 instead of 403. A stream
also takes a ticket in its address: see [api.md](api.md).

A token creates or enables a webhook only with the scopes `write` and `read` together, because the webhook sends on what
can be read, also after the token has ended.
"""


def routes(app: Flask) -> list[tuple[str, Route]]:
    """Return each method with each route, in the order of their addresses."""
    pairs = [
        (method, route)
        for route in app.url_map.iter_rules()
        for method in (route.methods or set()) - {"HEAD", "OPTIONS"}
    ]
    return sorted(pairs, key=lambda pair: (pair[1].rule, pair[0]))


def render(app: Flask) -> str:
    """Return the text of the page."""
    heading = ["Request", *(role.value for role in COLUMNS)]
    rows = [heading, ["---"] * len(heading)]
    for method, route in routes(app):
        cells = [promised(RULES[route.endpoint], role, method) for role in COLUMNS]
        rows.append([f"`{method} {route.rule}`", *cells])
    table = "\n".join(f"| {' | '.join(row)} |" for row in rows)
    return f"{INTRODUCTION}\n{table}\n"


def _app_without_servers() -> Flask:
    names = {"database_url": "postgresql://localhost/none", "redis_url": "redis://localhost:1"}
    return create_app(
        load_settings(_env_file=None, **names, kafka_bootstrap_servers="localhost:1", secret_key="x" * 32)
    )


if __name__ == "__main__":
    PAGE.write_text(render(_app_without_servers()), encoding="utf-8")
