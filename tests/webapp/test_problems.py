"""Errors as problem+json for programs and as pages for people."""

from uuid import uuid4

from flask.testing import FlaskClient

from tests.webapp.conftest import MakeApp

NO_DATABASE = "postgresql+psycopg2://thoughts@127.0.0.1:9/thoughts"


def test_an_unknown_url_gets_a_problem(client: FlaskClient) -> None:
    for path in (f"/thoughts/{uuid4()}", "/thoughts/not-an-id", "/thoughts/stream/not-an-id", "/nowhere"):
        response = client.get(path)
        assert (response.status_code, response.mimetype) == (404, "application/problem+json"), path


def test_a_method_that_is_not_allowed_gets_a_problem_with_the_allowed_ones(client: FlaskClient) -> None:
    response = client.delete("/thoughts")
    assert (response.status_code, response.mimetype) == (405, "application/problem+json")
    assert "POST" in response.headers["Allow"]


def test_a_missing_page_gets_an_error_page(client: FlaskClient) -> None:
    for path, headers in ((f"/t/{uuid4()}", {}), ("/nowhere", {"Accept": "text/html,*/*;q=0.8"})):
        response = client.get(path, headers=headers)
        assert (response.status_code, response.mimetype) == (404, "text/html")
        assert "http-equiv" not in response.text


def test_every_response_is_a_503_with_retry_after_while_postgres_is_unavailable(make_app: MakeApp) -> None:
    client = make_app(database_url=NO_DATABASE).test_client()
    for response in (client.post("/thoughts", json={"text": "x"}), client.get(f"/thoughts/{uuid4()}")):
        assert (response.status_code, response.mimetype) == (503, "application/problem+json")
        assert int(response.headers["Retry-After"]) > 0
        assert "127.0.0.1" not in response.text
    page = client.get("/")
    assert (page.status_code, page.mimetype) == (503, "text/html")
    assert f'http-equiv="refresh" content="{page.headers["Retry-After"]}"' in page.text
    after_post = client.post(f"/thoughts/{uuid4()}/delete", data={})
    assert "http-equiv" not in after_post.text, "a reload would repeat the POST"
