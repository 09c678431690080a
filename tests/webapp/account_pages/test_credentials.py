"""A person changes the password and the e-mail address; what a former password opened is closed."""

from flask import Flask
from sqlalchemy import text

from contracts.database import Database
from contracts.setting_values import NO_LIMIT
from tests.webapp.access import actors
from tests.webapp.accounts.browsers import (
    EMAIL,
    OTHER_PASSWORD,
    PASSWORD,
    account_id,
    account_row,
    can_sign_in,
    is_signed_in,
    send,
    sign_in,
    sign_up,
)
from tests.webapp.accounts.security_log import kinds
from tests.webapp.conftest import MakeApp
from webapp.accounts import tokens


def test_a_changed_password_is_the_only_one_and_ends_the_other_sign_ins(app: Flask, database: Database) -> None:
    browser = sign_up(app)
    other = sign_in(app)
    answer = send(browser, "/account/password", present=PASSWORD, password=OTHER_PASSWORD)
    assert (answer.status_code, answer.headers["Location"]) == (303, "/account/")
    assert (is_signed_in(browser), is_signed_in(other)) == (True, False)
    assert not can_sign_in(other, password=PASSWORD)
    assert can_sign_in(other, password=OTHER_PASSWORD)
    assert "password-changed" in kinds(database)


def test_the_cookie_of_before_the_change_is_worth_nothing(app: Flask) -> None:
    """It may be a copy: the browser itself gets a new token too."""
    browser, thief = sign_up(app), app.test_client()
    cookie = browser.get_cookie(app.config["SESSION_COOKIE_NAME"])
    assert cookie is not None
    thief.set_cookie(cookie.key, cookie.value)
    assert is_signed_in(thief)
    send(browser, "/account/password", present=PASSWORD, password=OTHER_PASSWORD)
    assert not is_signed_in(thief)


def test_a_changed_password_deletes_the_api_tokens_only_if_the_person_says_so(app: Flask, database: Database) -> None:
    browser = sign_up(app)
    token = actors.new_token(database, account_id(database))
    foreign = actors.new_token(database, actors.add_account(database))
    assert "checked" not in browser.get("/account/password").text
    send(browser, "/account/password", present="not it", password=OTHER_PASSWORD, delete_tokens="y")
    send(browser, "/account/password", present=PASSWORD, password=OTHER_PASSWORD)
    assert can_sign_in(app.test_client(), password=OTHER_PASSWORD)
    assert tokens.find(database, token.text) is not None
    send(browser, "/account/password", present=OTHER_PASSWORD, password=PASSWORD, delete_tokens="y")
    assert "All API tokens were deleted." in browser.get("/account/").text
    assert tokens.find(database, token.text) is None
    assert tokens.find(database, foreign.text) is not None


def test_nothing_changes_without_the_present_password(app: Flask, database: Database) -> None:
    browser = sign_up(app)
    other = sign_in(app)
    before = account_row(database)
    for path, fields in (
        ("/account/password", {"password": OTHER_PASSWORD}),
        ("/account/email", {"email": "eve@example.org"}),
    ):
        for present in ("", "not the password"):
            refused = send(browser, path, present=present, **fields)
            assert (refused.status_code, "current password" in refused.text) == (422, True)
    assert account_row(database) == before
    assert is_signed_in(other)


def test_a_short_password_is_refused_beside_its_field(app: Flask) -> None:
    browser = sign_up(app)
    refused = send(browser, "/account/password", present=PASSWORD, password="short")
    assert (refused.status_code, "Choose at least 12 characters." in refused.text) == (422, True)
    assert "short" not in refused.text.replace("shorten", "")
    assert can_sign_in(app.test_client())


def test_a_changed_address_is_the_only_one_and_ends_the_other_sign_ins(app: Flask, database: Database) -> None:
    browser = sign_up(app)
    other = sign_in(app)
    assert send(browser, "/account/email", present=PASSWORD, email="Ada@New.example").status_code == 303
    assert (is_signed_in(browser), is_signed_in(other)) == (True, False)
    assert not can_sign_in(other)
    assert can_sign_in(other, email="ada@new.example")
    assert "email-changed" in kinds(database)


def test_the_address_of_another_account_is_refused_in_any_case_of_letters(app: Flask, database: Database) -> None:
    browser = sign_up(app)
    sign_up(app, "eve@example.org")
    refused = send(browser, "/account/email", present=PASSWORD, email="EVE@example.org")
    assert (refused.status_code, 'value="EVE@example.org"' in refused.text) == (422, True)
    assert account_row(database).email == EMAIL


def test_an_outdated_form_of_an_account_is_shown_again_and_changes_nothing(app: Flask, database: Database) -> None:
    browser = sign_up(app)
    before = account_row(database)
    fields = {"present": PASSWORD, "email": "new@example.org", "password": OTHER_PASSWORD}
    for path in ("/account/email", "/account/password"):
        refused = browser.post(path, data=fields | {"csrf_token": "foreign"})
        assert (refused.status_code, "send it again" in refused.text) == (403, True)
        assert PASSWORD not in refused.text
    assert account_row(database) == before
    refused = browser.post("/account/email", data=fields | {"csrf_token": "foreign"})
    assert 'value="new@example.org"' in refused.text
    assert browser.post("/account/email", data=fields).status_code == 303


def test_every_form_of_an_account_needs_a_token(make_app: MakeApp, database: Database) -> None:
    """Views that leave the check to their form are walked as well as the others, with every type of a form."""
    app = make_app(limit_password_checks_per_user=NO_LIMIT)
    browser = sign_up(app)
    [sign_in] = database.rows(text("SELECT id FROM sign_ins"))
    before = account_row(database)
    posts = [rule for rule in app.url_map.iter_rules() if "POST" in (rule.methods or ())]
    rules = [rule.rule for rule in posts if rule.rule.startswith("/account")]
    assert len(rules) > 5
    for rule in rules:
        path = rule.replace("<uuid:sign_in_id>", str(sign_in.id)).replace("<token>", "x")
        sender = app.test_client() if path.startswith("/account/sign-up") else browser
        sender.get("/")
        fields = {"present": PASSWORD, "email": "bob@example.org", "password": PASSWORD, "csrf_token": ""}
        for kind in ("application/x-www-form-urlencoded", "multipart/form-data"):
            assert sender.post(path, data=fields, content_type=kind).status_code in {403, 404}, path
        assert sender.post(path, data="x=", content_type="text/plain").status_code in {403, 404, 415}, path
    assert account_row(database) == before
    assert is_signed_in(browser)


def test_a_browser_without_a_sign_in_is_led_to_it_and_back(app: Flask) -> None:
    sign_up(app)
    stranger = app.test_client()
    for page in ("/account/", "/account/password", "/account/email"):
        answer = stranger.get(page)
        assert (answer.status_code, answer.headers["Location"]) == (303, f"/account/sign-in?next={page}")
    stranger.get("/")
    answer = stranger.post("/account/password", data={"present": PASSWORD, "password": OTHER_PASSWORD})
    assert answer.headers["Location"] == "/account/sign-in?next=/account/password"
    assert send(stranger, answer.headers["Location"], email=EMAIL, password=PASSWORD).headers["Location"] == (
        "/account/password"
    )
