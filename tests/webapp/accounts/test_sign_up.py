"""Sign-up and sign-in: an anonymous browser keeps its thoughts."""

from uuid import UUID

from contracts.database import Database
from tests.webapp.accounts.browsers import EMAIL, PASSWORD, account_row, send_form
from tests.webapp.conftest import MakeApp
from tests.webapp.http_client import submit


def test_a_person_who_signs_up_keeps_the_thoughts_of_the_browser_and_finds_them_in_another_one(
    make_app: MakeApp,
) -> None:
    app = make_app(trust_user_id=False)
    browser, other = app.test_client(), app.test_client()
    browser.get("/")
    thought = submit(browser)
    assert send_form(browser, "/account/sign-up", email=EMAIL, password=PASSWORD) == 303
    assert browser.get(f"/thoughts/{thought}").status_code == 200
    assert other.get(f"/thoughts/{thought}").status_code == 404
    assert send_form(other, "/account/sign-in", email=EMAIL, password="not the password") == 422
    assert other.get(f"/thoughts/{thought}").status_code == 404
    assert send_form(other, "/account/sign-in", email=EMAIL, password=PASSWORD) == 303
    assert other.get(f"/thoughts/{thought}").status_code == 200


def test_a_copy_of_the_anonymous_cookie_is_worth_nothing_after_the_sign_up(make_app: MakeApp) -> None:
    app = make_app(trust_user_id=False)
    browser, thief = app.test_client(), app.test_client()
    browser.get("/")
    thought = submit(browser)
    name = app.config["SESSION_COOKIE_NAME"]
    cookie = browser.get_cookie(name)
    assert cookie is not None
    thief.set_cookie(name, cookie.value)
    assert thief.get(f"/thoughts/{thought}").status_code == 200, "the copy works before"
    send_form(browser, "/account/sign-up", email=EMAIL, password=PASSWORD)
    assert thief.get(f"/thoughts/{thought}").status_code == 404


def test_fields_that_the_form_does_not_have_change_nothing(make_app: MakeApp, database: Database) -> None:
    browser = make_app(trust_user_id=False).test_client()
    browser.get("/")
    foreign = {"is_admin": "true", "id": str(UUID(int=1)), "user_id": str(UUID(int=1)), "disabled_at": "2020-01-01"}
    assert send_form(browser, "/account/sign-up", email=EMAIL, password=PASSWORD, **foreign) == 303
    row = account_row(database)
    assert (row.is_admin, row.disabled_at) == (False, None)
    assert row.id != UUID(int=1)
