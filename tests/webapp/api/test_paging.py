"""The header Link of a list: a client reads every page by following it, without knowing a parameter."""

import re
from uuid import UUID, uuid4

from flask.testing import FlaskClient

from tests.webapp.fake_worker import FakeWorker
from tests.webapp.http_client import submit

LINK = re.compile(r'<([^>]+)>; rel="next"')


def follow(client: FlaskClient, path: str) -> list[list[str]]:
    """Return the ids of each page."""
    pages = []
    while path:
        response = client.get(path)
        assert response.status_code == 200, response.text
        body = response.json or {}
        pages.append([item["id"] for item in body["items"]])
        match = LINK.fullmatch(response.headers.get("Link", ""))
        assert (match is None) == (body["next"] is None)
        path = match[1] if match else ""
    return pages


def test_the_links_of_a_list_lead_through_all_pages(client: FlaskClient, worker: FakeWorker) -> None:
    user = uuid4()
    ids = [str(submit(client, str(number), user)) for number in range(5)]
    for thought in ids[:3]:
        worker.complete(UUID(thought))
    assert follow(client, f"/thoughts?user_id={user}&limit=2") == [ids[:2:-1], ids[2:0:-1], ids[:1]]
    assert follow(client, f"/thoughts?user_id={user}&limit=2&status=completed") == [ids[2:0:-1], ids[:1]]


def test_a_link_holds_only_the_parameters_of_the_list(client: FlaskClient) -> None:
    user = uuid4()
    for number in range(2):
        submit(client, str(number), user)
    link = client.get(f"/thoughts?user_id={user}&limit=1&_external=1&x=%3E%22%0d%0a").headers["Link"]
    assert LINK.fullmatch(link)
    assert "_external" not in link
    assert "x=" not in link
