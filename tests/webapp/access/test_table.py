"""Every endpoint in every role, on real rows: the answers are those of the table of access rules."""

from collections.abc import Iterator
from typing import Any
from urllib.parse import urlencode

import pytest
from flask import Flask
from flask.testing import FlaskClient
from pydantic import SecretStr
from werkzeug.routing import Rule as Route
from werkzeug.wrappers import Response

from contracts.database import Database
from contracts.limit_settings import LimitSettings
from contracts.setting_values import NO_LIMIT
from tests.webapp.access import actors, document
from tests.webapp.access.actors import Owned
from tests.webapp.access.clients import client_in_role
from tests.webapp.access.requests import argument, example
from tests.webapp.access.roles import SIGN_IN, STATUS_ALONE, YES, Role, promised, without_figures
from tests.webapp.conftest import MakeApp
from webapp import access_check
from webapp.access_rules import RULES, Rule, Who

SERVED = {200, 201, 202, 204, 302, 303, 409, 422}
"""What counts as served: also an answer to a form or a version that does not fit, which is no refusal of the client."""


@pytest.fixture
def overrides(overrides: dict[str, Any]) -> dict[str, Any]:
    """Without limits, which refuse before the rules of access do: here every role sends the same request at once."""
    return overrides | dict.fromkeys(LimitSettings.model_fields, NO_LIMIT) | {"trust_user_id": False}


@pytest.mark.parametrize("endpoint", sorted(RULES))
def test_every_answer_is_the_one_of_the_table(app: Flask, database: Database, endpoint: str) -> None:
    differences = [
        f"{method} {route.rule} as {role.value}: {actual}, not {promise}"
        for method, route in document.routes(app)
        if route.endpoint == endpoint
        for role, promise, actual in _answers(app, database, method, route)
        if actual != promise
    ]
    assert not differences, "\n".join(differences)


def test_with_metrics_token_no_role_reads_the_figures_without_it(make_app: MakeApp, database: Database) -> None:
    app = make_app(metrics_token=SecretStr("a-token-of-the-monitoring"))
    routes = [pair for pair in document.routes(app) if RULES[pair[1].endpoint].figures]
    assert {route.rule for _, route in routes} == {"/metrics", "/health/ready"}
    for method, route in routes:
        promise = without_figures(RULES[route.endpoint], is_token_set=True)
        answers = {role: actual for role, _, actual in _answers(app, database, method, route)}
        assert answers == dict.fromkeys(Role, promise), route.rule


def test_a_role_without_a_column_is_promised_what_its_page_says(app: Flask) -> None:
    for role, column in document.ALIKE.items():
        for method, route in document.routes(app):
            rule = RULES[route.endpoint]
            assert promised(rule, role, method) == promised(rule, column, method), route.rule


def test_the_table_has_exactly_the_endpoints_of_the_application(app: Flask) -> None:
    assert set(RULES) == {route.endpoint for route in app.url_map.iter_rules()}


def test_an_application_with_a_route_without_a_rule_does_not_start(app: Flask) -> None:
    app.url_map.add(Route("/nobody-thought-of-it", endpoint="new.route", methods=["GET"]))
    with pytest.raises(RuntimeError, match=r"new\.route has no rule in webapp/access_rules\.py"):
        access_check.register(app)


def test_an_application_whose_change_is_open_to_anyone_does_not_start(
    app: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(access_check, "RULES", {**RULES, "thoughts.create": Rule(Who.ANYONE)})
    with pytest.raises(RuntimeError, match=r"thoughts\.create changes something"):
        access_check.register(app)


def test_the_page_of_the_accesses_is_the_generated_one(make_app: MakeApp) -> None:
    generated = document.render(make_app())
    assert document.PAGE.read_text(encoding="utf-8") == generated, "run python -m tests.webapp.access.document"


def _answers(app: Flask, database: Database, method: str, route: Route) -> Iterator[tuple[Role, str, str]]:
    for role in Role:
        client, owned = client_in_role(app, database, role)
        with _send(client, database, method, route, owned) as response:
            yield role, promised(RULES[route.endpoint], role, method), _kind(response)


def _send(client: FlaskClient, database: Database, method: str, route: Route, owned: Owned) -> Response:
    sent, app = example(method, route.endpoint), client.application
    values = {name: argument(name, route.endpoint, app, database, owned) for name in route.arguments}
    path = app.url_map.bind("localhost").build(route.endpoint, values | dict(sent.query), method)
    form = None if sent.form is None else urlencode({**sent.form, "csrf_token": actors.csrf_field(app)})
    if route.endpoint == "sse.stream":
        method = "HEAD"  # the same check, without a stream that stays open
    kind = None if sent.form is None else "application/x-www-form-urlencoded"
    return client.open(path, method=method, json=sent.json, data=form, content_type=kind)


def _kind(response: Response) -> str:
    if response.status_code == 303 and response.headers["Location"].startswith("/account/sign-in?next=/"):
        return SIGN_IN
    body = response.get_json(silent=True)
    if isinstance(body, dict) and set(body) == {"status"}:
        return STATUS_ALONE
    return YES if response.status_code in SERVED else str(response.status_code)
