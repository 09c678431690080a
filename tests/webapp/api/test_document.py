"""The OpenAPI document: it is valid, names every call, and belongs to the API that answers."""

from pathlib import Path
from typing import Any
from uuid import uuid4

from flask import Flask
from flask.testing import FlaskClient

from agents.catalogue import CATALOGUE
from tests.stores import ROOT
from webapp.accounts.scopes import Scope
from webapp.api.document import openapi_document
from webapp.api_version import API_VERSION
from webapp.operations import operation_of
from webapp.problems import PAGES

OTHER_ROUTES = {
    "static": "files",
    "health.health": "for load balancers, which need one status and no version",
    "health.ready": "for operators, who read it as text",
    "metrics.metrics": "Prometheus's format",
    "thoughts.delete_by_form": "a form of a page",
}
"""Routes that are not part of the API, and why."""


def operations(app: Flask) -> list[tuple[str, str, dict[str, Any]]]:
    paths = openapi_document(app)["paths"]
    return [(path, method, call) for path, calls in paths.items() for method, call in calls.items()]


def test_every_route_is_described_or_is_no_part_of_the_api(app: Flask) -> None:
    undescribed = {
        rule.endpoint
        for rule in app.url_map.iter_rules()
        if operation_of(app.view_functions[rule.endpoint]) is None and rule.endpoint.split(".")[0] not in PAGES
    }
    assert undescribed == set(OTHER_ROUTES)


def test_each_operation_has_an_id_of_its_own_and_a_text(app: Flask) -> None:
    ids = [call["operationId"] for _, _, call in operations(app)]
    assert len(set(ids)) == len(ids) > 5
    assert all(call["summary"] and call["description"].endswith(".") for _, _, call in operations(app))


def test_each_call_says_which_token_it_needs_and_whether_it_needs_one(app: Flask) -> None:
    document = openapi_document(app)
    security = {call["operationId"]: call["security"] for _, _, call in operations(app)}
    assert security["exportAccount"] == [{"token": ["export"]}, {"cookie": []}]
    assert security["createStreamTicket"] == [{"token": ["stream"]}, {"cookie": []}]
    assert security["createThought"] == [{"token": ["write"]}, {"cookie": []}, {}]
    schemes = document["components"]["securitySchemes"]
    assert {name for call in security.values() for option in call for name in option} == set(schemes)
    scopes = {scope for call in security.values() for option in call for scope in option.get("token", ())}
    assert scopes == set(Scope)
    assert schemes["cookie"]["name"] == app.config["SESSION_COOKIE_NAME"]


def test_a_reference_leads_to_a_schema_and_each_schema_is_used(app: Flask) -> None:
    document = openapi_document(app)
    schemas, used = set(document["components"]["schemas"]), set(references(document))
    assert used == schemas


def references(value: Any) -> list[str]:
    if isinstance(value, dict):
        own = [str(value["$ref"]).rpartition("/")[2]] if "/schemas/" in str(value.get("$ref")) else []
        return own + [name for item in value.values() for name in references(item)]
    return [name for item in value for name in references(item)] if isinstance(value, list) else []


def test_the_output_of_every_agent_is_described(app: Flask) -> None:
    schemas = openapi_document(app)["components"]["schemas"]
    described = references(schemas["Agent"]["properties"]["output"])
    assert described == [agent.output.__name__ for agent in CATALOGUE.agents]
    assert {"priority_level", "final_recommendation"} <= set(schemas["Priority"]["properties"])


def test_the_document_is_served_to_everyone_and_can_be_kept(client: FlaskClient, app: Flask) -> None:
    response = client.get("/openapi.json")
    assert response.json == openapi_document(app)
    assert (response.json or {})["openapi"] == "3.1.0"
    assert "public" in response.headers["Cache-Control"]
    assert "Set-Cookie" not in response.headers


def test_each_answer_names_its_version_and_another_requested_one_is_refused(client: FlaskClient) -> None:
    for path in ("/thoughts", "/profile", "/usage", f"/thoughts/{uuid4()}"):
        assert client.get(path).headers["API-Version"] == API_VERSION
        assert client.get(path, headers={"API-Version": API_VERSION}).status_code in {200, 404}
        refused = client.get(path, headers={"API-Version": "2"})
        assert (refused.status_code, (refused.json or {})["type"]) == (400, "/problems/unsupported-version")
    assert client.get("/", headers={"API-Version": "2"}).status_code == 200, "a page has no version"


def test_the_vendored_viewer_has_its_licence_and_asks_no_other_site() -> None:
    folder = next(Path(ROOT / "webapp/static/vendor").glob("swagger-ui-*"))
    assert "Apache License" in (folder / "LICENSE").read_text()
    assert folder.name in (ROOT / "webapp/templates/docs.html").read_text()
    assert "validatorUrl: null" in (ROOT / "webapp/static/docs.js").read_text()
