"""A person signs in with a browser that has thoughts: its pages show them in the account."""

from flask.testing import FlaskClient

from contracts.database import Database
from tests.webapp.accounts.browsers import PASSWORD, account_id, send_form
from tests.webapp.accounts.security_log import events
from tests.webapp.conftest import MakeApp
from tests.webapp.http_client import submit

EMAIL = "ada@example.org"


def ids(client: FlaskClient) -> list[str]:
    """Return the thoughts of the person, the latest first."""
    return [item["id"] for item in (client.get("/thoughts").json or {})["items"]]


def test_the_thoughts_of_a_browser_are_in_the_account_after_the_sign_in(make_app: MakeApp) -> None:
    app = make_app(trust_user_id=False)
    home, browser, stranger = app.test_client(), app.test_client(), app.test_client()
    for client in (home, browser, stranger):
        client.get("/")
    own = str(submit(home))
    send_form(home, "/account/sign-up", email=EMAIL, password=PASSWORD)
    moved = [str(submit(browser, f"thought {number}")) for number in range(2)]
    assert send_form(browser, "/account/sign-in", email=EMAIL, password=PASSWORD) == 303
    assert ids(browser) == ids(home) == [moved[1], moved[0], own]
    assert home.get(f"/thoughts/{moved[0]}").status_code == 200
    assert stranger.get(f"/thoughts/{moved[0]}").status_code == 404


def test_the_security_log_says_how_many_thoughts_were_moved_and_nothing_where_none_was(
    make_app: MakeApp, database: Database
) -> None:
    app = make_app(trust_user_id=False)
    home, browser, empty = (app.test_client() for _ in range(3))
    for client in (home, browser, empty):
        client.get("/")
    send_form(home, "/account/sign-up", email=EMAIL, password=PASSWORD)
    for number in range(3):
        submit(browser, f"thought {number}")
    for client in (browser, empty):
        assert send_form(client, "/account/sign-in", email=EMAIL, password=PASSWORD) == 303
    signed_in = ("signed-in", "127.0.0.1", {"method": "password"})
    assert events(database, account_id(database, EMAIL))[1:] == [
        signed_in, ("thoughts-joined", "127.0.0.1", {"thoughts": 3}), signed_in,
    ]  # fmt: skip
    assert "Thoughts of an anonymous browser were moved into the account" in home.get("/account/security").text


def test_a_wrong_password_moves_nothing(make_app: MakeApp) -> None:
    app = make_app(trust_user_id=False)
    home, browser = app.test_client(), app.test_client()
    for client in (home, browser):
        client.get("/")
    send_form(home, "/account/sign-up", email=EMAIL, password=PASSWORD)
    thought = str(submit(browser))
    assert send_form(browser, "/account/sign-in", email=EMAIL, password="not the password") == 422
    assert (ids(browser), ids(home)) == ([thought], [])


def test_a_copy_of_the_cookie_reads_nothing_after_the_sign_in(make_app: MakeApp) -> None:
    app = make_app(trust_user_id=False)
    home, browser, thief = app.test_client(), app.test_client(), app.test_client()
    for client in (home, browser):
        client.get("/")
    send_form(home, "/account/sign-up", email=EMAIL, password=PASSWORD)
    thought = submit(browser)
    name = app.config["SESSION_COOKIE_NAME"]
    cookie = browser.get_cookie(name)
    assert cookie is not None
    thief.set_cookie(name, cookie.value)
    assert thief.get(f"/thoughts/{thought}").status_code == 200, "the copy works before"
    send_form(browser, "/account/sign-in", email=EMAIL, password=PASSWORD)
    assert thief.get(f"/thoughts/{thought}").status_code == 404
    assert thief.delete(f"/thoughts/{thought}").status_code == 404
    assert ids(thief) == []


def test_a_second_browser_joins_the_same_account(make_app: MakeApp) -> None:
    app = make_app(trust_user_id=False)
    home, *browsers = [app.test_client() for _ in range(3)]
    for client in (home, *browsers):
        client.get("/")
    send_form(home, "/account/sign-up", email=EMAIL, password=PASSWORD)
    thoughts = [str(submit(browser)) for browser in browsers]
    for browser in browsers:
        send_form(browser, "/account/sign-in", email=EMAIL, password=PASSWORD)
    assert ids(home) == thoughts[::-1]
