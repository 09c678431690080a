"""What the web does not tell and does not do: traces, listings, TRACE, and access while nobody can be recognised."""

import logging
from uuid import UUID, uuid4

import pytest
from flask import Flask

from tests.webapp.conftest import MakeApp
from tests.webapp.test_problems import NO_DATABASE

CAUSE = "password=hunter2 in /etc/thoughts.conf"


@pytest.mark.parametrize("accept", ["text/html", "application/json"])
def test_an_unexpected_error_shows_nothing_of_its_cause(
    make_app: MakeApp, caplog: pytest.LogCaptureFixture, accept: str
) -> None:
    app = make_app()

    def fail() -> str:
        raise RuntimeError(CAUSE)

    app.view_functions["pages.models"] = fail
    response = app.test_client().get("/models", headers={"Accept": accept})
    assert response.status_code == 500
    for part in (CAUSE, "hunter2", "RuntimeError", "Traceback", ".py"):
        assert part not in response.text
    [record] = [record for record in caplog.records if record.levelno == logging.ERROR]
    assert record.exc_info is not None, "the log has the cause"


def test_a_folder_of_static_files_is_not_listed_and_no_other_file_is_served(app: Flask) -> None:
    client = app.test_client()
    with client.get("/static/live.js") as script:
        assert script.status_code == 200
    for path in (
        "/static/",
        "/static/vendor",
        "/static/vendor/",
        "/static/../app.py",
        "/static/%2e%2e/app.py",
        "/.env",
    ):
        assert client.get(path).status_code == 404, path


def test_trace_is_not_supported(app: Flask) -> None:
    client = app.test_client()
    for path in ("/", "/thoughts", f"/thoughts/{uuid4()}", "/account/sign-in", "/nowhere"):
        response = client.open(path, method="TRACE", headers={"X-Secret": "value of the header"})
        assert response.status_code in {404, 405}
        assert "value of the header" not in response.text


@pytest.mark.parametrize("path", ["/admin", f"/admin/thoughts/{UUID(int=0)}/reveal", "/account/", "/account/security"])
def test_without_postgresql_nobody_is_recognised(make_app: MakeApp, path: str) -> None:
    client = make_app(database_url=NO_DATABASE, trust_user_id=False).test_client()
    with client.session_transaction() as cookie:
        cookie["_user_id"] = "a token that may be valid"
    assert client.get(path).status_code == 503
