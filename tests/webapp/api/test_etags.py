"""ETags: a client learns that its copy is still right, and every change of a thought's JSON changes its tag."""

from collections.abc import Callable
from uuid import UUID, uuid4

from flask.testing import FlaskClient
from sqlalchemy import text

from contracts.database import Database
from tests.webapp.conftest import MakeApp
from tests.webapp.fake_worker import FakeWorker
from tests.webapp.http_client import set_run, submit


def tag(client: FlaskClient, path: str) -> str:
    response = client.get(path)
    assert response.status_code == 200
    assert client.get(path).headers["ETag"] == response.headers["ETag"], "nothing was changed"
    return response.headers["ETag"]


def test_a_copy_that_is_still_right_is_not_sent_again(client: FlaskClient, worker: FakeWorker) -> None:
    user = uuid4()
    thought = submit(client, user=user)
    worker.complete(thought)
    for path in (f"/thoughts/{thought}", f"/thoughts?user_id={user}", f"/usage?user_id={user}", "/openapi.json"):
        known = tag(client, path)
        for sent in (known, f'"other", {known}', known.removeprefix("W/")):
            response = client.get(path, headers={"If-None-Match": sent})
            assert (response.status_code, response.data, response.headers["ETag"]) == (304, b"", known), path
        assert client.get(path, headers={"If-None-Match": 'W/"other"'}).status_code == 200


def test_every_change_of_a_thought_changes_its_tag_and_that_of_its_list(
    client: FlaskClient, database: Database, worker: FakeWorker
) -> None:
    user = uuid4()
    earlier, failed = submit(client, "an earlier one", user), submit(client, "one without a result", user)
    thought = submit(client, "a thought", user)
    worker.complete(earlier)

    def read_earlier() -> None:
        set_run(database, thought, 1, f"earlier_thoughts = ARRAY['{earlier}', '{failed}']::uuid[]")

    def conclude_earlier() -> None:
        set_run(database, earlier, 5, """output = '{"priority_level": "High"}'""")

    changes: list[Callable[[], object]] = [
        lambda: worker.dispatch(thought),
        lambda: worker.claim(thought),
        lambda: worker.retry(thought),
        lambda: worker.claim(thought),
        lambda: worker.save(thought, 1),
        read_earlier,
        conclude_earlier,
        lambda: set_run(database, thought, 1, "output = '{\"less\": true}'"),
        lambda: client.delete(f"/thoughts/{earlier}"),
        lambda: client.delete(f"/thoughts/{failed}"),
        lambda: worker.claim(thought),
        lambda: worker.fail(thought),
        lambda: worker.replay(thought),
    ]
    for number, change in enumerate(changes):
        before = [(client.get(path).data, tag(client, path)) for path in paths(thought, user)]
        change()
        after = [(client.get(path).data, tag(client, path)) for path in paths(thought, user)]
        for (old_body, old_tag), (new_body, new_tag) in zip(before, after, strict=True):
            assert old_body != new_body, f"change {number} is visible"
            assert old_tag != new_tag, number


def paths(thought: UUID, user: UUID) -> tuple[str, str]:
    return f"/thoughts/{thought}", f"/thoughts?user_id={user}&limit=1"


def test_a_list_has_another_tag_for_each_page_and_user(client: FlaskClient) -> None:
    user = uuid4()
    for number in range(3):
        submit(client, str(number), user)
    whole, first = f"/thoughts?user_id={user}", f"/thoughts?user_id={user}&limit=1"
    assert tag(client, whole) != tag(client, f"{whole}&status=completed")
    assert tag(client, f"/thoughts?user_id={uuid4()}") != tag(client, f"/thoughts?user_id={uuid4()}")
    before = tag(client, first)
    submit(client, "a new one", user)
    assert tag(client, first) != before


def test_a_tag_of_another_users_thought_is_worth_nothing(make_app: MakeApp) -> None:
    app = make_app(trust_user_id=False)
    author, stranger = app.test_client(), app.test_client()
    for client in (author, stranger):
        client.get("/")
    thought = submit(author)
    known = tag(author, f"/thoughts/{thought}")
    for value in (known, "*"):
        assert stranger.get(f"/thoughts/{thought}", headers={"If-None-Match": value}).status_code == 404
    author.delete(f"/thoughts/{thought}")
    assert author.get(f"/thoughts/{thought}", headers={"If-None-Match": known}).status_code == 404


def test_a_copy_that_is_still_right_is_found_without_reading_a_result(
    client: FlaskClient, database: Database, worker: FakeWorker
) -> None:
    thought = submit(client, user=uuid4())
    worker.complete(thought)
    known = tag(client, f"/thoughts/{thought}")
    with database.engine.connect() as connection:
        connection.execute(text("ALTER TABLE agent_runs RENAME COLUMN output TO hidden"))
        try:
            assert client.get(f"/thoughts/{thought}", headers={"If-None-Match": known}).status_code == 304
        finally:
            connection.execute(text("ALTER TABLE agent_runs RENAME COLUMN hidden TO output"))
