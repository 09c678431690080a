"""A sign-in begins with a new token, and ends in PostgreSQL: by its owner, by silence, and after the longest time."""

from typing import Any
from uuid import uuid4

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import text

from contracts.database import Database
from tests.webapp.access import actors
from tests.webapp.accounts.browsers import EMAIL, PASSWORD, account_id, is_signed_in, send, sign_in, sign_up
from tests.webapp.accounts.security_log import kinds
from tests.webapp.http_client import TOKEN, submit
from webapp.account_pages.support import own_path
from webapp.accounts.secrets import hash_token


def cookie_of(browser: FlaskClient) -> Any:
    cookie = browser.get_cookie(browser.application.config["SESSION_COOKIE_NAME"])
    assert cookie is not None
    return cookie


def copy_of(browser: FlaskClient) -> FlaskClient:
    """Return a thief's browser with a copy of the cookie."""
    cookie, thief = cookie_of(browser), browser.application.test_client()
    thief.set_cookie(cookie.key, cookie.value)
    return thief


def ids(database: Database) -> list[Any]:
    return [row.id for row in database.rows(text("SELECT id FROM sign_ins ORDER BY created_at, id"))]


@pytest.mark.parametrize("planted_is_signed_in", [False, True])
def test_a_planted_cookie_is_worth_nothing_after_the_sign_in(app: Flask, planted_is_signed_in: bool) -> None:
    """Fixation: an attacker plants a cookie that they know, and waits for the victim to sign in with it."""
    sign_up(app)
    attacker = sign_up(app, "eve@example.org") if planted_is_signed_in else app.test_client()
    attacker.get("/")
    token = TOKEN.search(attacker.get("/").text)
    victim = copy_of(attacker)
    assert send(victim, "/account/sign-in", email=EMAIL, password=PASSWORD).status_code == 303
    thought = submit(victim, "a secret of Ada")
    assert EMAIL not in attacker.get("/account/").text
    assert attacker.get(f"/thoughts/{thought}").status_code == 404
    assert token is not None
    fields = {"text": "forged", "csrf_token": token[1]}
    assert victim.post("/thoughts", data=fields).status_code == 403, "the token of before is worth nothing either"


def test_a_second_sign_in_of_a_browser_ends_the_first(app: Flask, database: Database) -> None:
    browser = sign_up(app)
    former = copy_of(browser)
    assert send(browser, "/account/sign-in", email=EMAIL, password=PASSWORD).status_code == 303
    assert (is_signed_in(browser), is_signed_in(former), len(ids(database))) == (True, False, 1)


def test_signing_out_ends_the_sign_in_for_a_copy_of_the_cookie_too(app: Flask, database: Database) -> None:
    browser = sign_up(app)
    thief, other = copy_of(browser), sign_in(app)
    assert is_signed_in(thief)
    send(browser, "/account/sign-out")
    assert [is_signed_in(one) for one in (browser, thief, other)] == [False, False, True]
    assert (len(ids(database)), kinds(database)[-1]) == (1, "signed-out")


def test_signing_out_everywhere_ends_all_sign_ins_of_the_account_alone(app: Flask, database: Database) -> None:
    browser, eve = sign_up(app), sign_up(app, "eve@example.org")
    other = sign_in(app)
    browser.get("/account/")
    browser.post("/account/sign-out-everywhere", data={})
    assert [is_signed_in(one) for one in (browser, other, eve)] == [False, False, True]
    assert kinds(database)[-1] == "signed-out-everywhere"


def test_the_account_lists_its_sign_ins_and_ends_one_of_them(app: Flask, database: Database) -> None:
    browser = sign_up(app)
    other = app.test_client()
    other.get("/account/sign-in")
    agent = {"User-Agent": "Firefox <b> on a telephone"}
    other.post("/account/sign-in", data={"email": EMAIL, "password": PASSWORD}, headers=agent)
    page = browser.get("/account/").text
    assert "Firefox &lt;b&gt; on a telephone" in page
    assert page.count("This browser.") == 1
    [first, second] = ids(database)
    assert f"/account/sign-ins/{second}/end" in page
    assert f"/account/sign-ins/{first}/end" not in page, "this browser has its own button"
    assert browser.post(f"/account/sign-ins/{second}/end", data={}).status_code == 303
    assert (is_signed_in(browser), is_signed_in(other)) == (True, False)


def test_nobody_ends_a_sign_in_of_another_account(app: Flask, database: Database) -> None:
    browser = sign_up(app)
    [mine] = ids(database)
    eve = sign_up(app, "eve@example.org")
    eve.get("/account/")
    answers = [eve.post(f"/account/sign-ins/{one}/end", data={}) for one in (mine, uuid4())]
    assert answers[0].status_code == answers[1].status_code == 303
    assert answers[0].data == answers[1].data
    assert is_signed_in(browser)
    assert str(mine) not in eve.get("/account/").text


@pytest.mark.parametrize(
    ("column", "age", "lasts"),
    [
        ("last_used_at", "13 days 23 hours", True),
        ("last_used_at", "14 days", False),
        ("created_at", "89 days 23 hours", True),
        ("created_at", "90 days", False),
    ],
)
def test_a_sign_in_ends_after_two_weeks_of_silence_and_after_ninety_days(
    app: Flask, database: Database, column: str, age: str, lasts: bool
) -> None:
    browser = sign_up(app)
    thought = submit(browser)
    statement = f"UPDATE sign_ins SET {column} = now() - CAST(:age AS interval)"
    database.rows(text(statement), age=age)
    assert browser.get(f"/thoughts/{thought}").status_code == (200 if lasts else 404)
    assert is_signed_in(browser) == lasts


def test_a_request_renews_the_idle_limit_and_not_the_absolute_one(app: Flask, database: Database) -> None:
    browser = sign_up(app)
    age = """UPDATE sign_ins SET last_used_at = now() - interval '13 days', created_at = now() - interval '20 days'"""
    database.rows(text(age))
    assert is_signed_in(browser)
    ages = """SELECT now() - last_used_at < interval '1 minute' AS is_renewed,
                     now() - created_at > interval '19 days' AS is_old FROM sign_ins"""
    [row] = database.rows(text(ages))
    assert (row.is_renewed, row.is_old) == (True, True)


def test_ended_sign_ins_are_removed_at_the_next_one(app: Flask, database: Database) -> None:
    sign_up(app)
    database.rows(text("UPDATE sign_ins SET last_used_at = now() - interval '15 days'"))
    former = ids(database)
    sign_in(app)
    assert (len(ids(database)), former[0] in ids(database)) == (1, False)


def test_the_cookie_of_a_sign_in_is_hidden_from_scripts_and_secure_over_tls(app: Flask) -> None:
    sign_up(app)
    for scheme in ("http", "https"):
        browser, base_url = app.test_client(), f"{scheme}://localhost"
        browser.get("/account/sign-in", base_url=base_url)
        fields = {"email": EMAIL, "password": PASSWORD}
        cookie = browser.post("/account/sign-in", data=fields, base_url=base_url).headers["Set-Cookie"]
        assert "HttpOnly" in cookie
        assert "SameSite=Lax" in cookie
        assert ("Secure" in cookie) == (scheme == "https")


def test_each_sign_in_has_a_token_of_its_own_and_only_its_hash_is_stored(app: Flask, database: Database) -> None:
    sign_up(app)
    user = account_id(database)
    tokens = {actors.begin_sign_in(database, user) for _ in range(20)}
    assert len(tokens) == 20
    assert all(len(token) == 43 for token in tokens), "256 bits"
    rows = database.rows(text("SELECT token_hash, sign_ins::text AS row FROM sign_ins"))
    assert {hash_token(token) for token in tokens} <= {bytes(row.token_hash) for row in rows}
    assert not [token for token in tokens for row in rows if token in row.row]


def test_a_sign_in_without_a_token_is_refused_so_that_nobody_is_signed_in_to_an_attackers_account(app: Flask) -> None:
    sign_up(app, "eve@example.org")
    victim = app.test_client()
    fields = {"email": "eve@example.org", "password": PASSWORD, "csrf_token": ""}
    refused = victim.post("/account/sign-in", data=fields)
    assert (refused.status_code, 'value="eve@example.org"' in refused.text) == (403, True)
    assert PASSWORD not in refused.text
    assert not is_signed_in(victim)


@pytest.mark.parametrize("account", [EMAIL, "nobody@example.org"])
def test_a_wrong_sign_in_does_not_say_whether_the_account_exists(app: Flask, account: str) -> None:
    sign_up(app)
    refused = send(app.test_client(), "/account/sign-in", email=account, password="not the password")
    assert (refused.status_code, "Wrong e-mail address or password" in refused.text) == (422, True)


@pytest.mark.parametrize("path", ["/t/1?x=1", "/account/password", "/", "/search?q=a%20b"])
def test_a_sign_in_leads_to_a_page_of_this_site(app: Flask, path: str) -> None:
    sign_up(app)
    browser = app.test_client()
    answer = send(browser, f"/account/sign-in?next={path.replace('?', '%3F')}", email=EMAIL, password=PASSWORD)
    assert answer.headers["Location"].replace("%20", " ") == path.replace("%20", " ")


@pytest.mark.parametrize(
    "target",
    [
        "https://evil.example", "//evil.example", "/\\evil.example", "\\\\evil.example", "/\t/evil.example", "evil",
        "javascript:alert(1)", "///evil.example", "/\n/evil.example", "http:evil.example", "/%0d%0aX: y\r\nX: y", "",
    ],
)  # fmt: skip
def test_a_sign_in_never_leads_to_another_site(app: Flask, target: str) -> None:
    assert own_path(target) is None
    sign_up(app)
    browser = app.test_client()
    browser.get("/account/sign-in")
    fields = {"email": EMAIL, "password": PASSWORD}
    answer = browser.post("/account/sign-in", data=fields, query_string={"next": target})
    assert (answer.status_code, answer.headers["Location"]) == (303, "/")


def test_a_browser_that_signs_out_is_told_to_forget_the_pages_but_not_its_cookies(app: Flask) -> None:
    """The cookie that it has signed in before keeps others from locking its person out."""
    paths: dict[str, dict[str, str]] = {"sign-out": {}, "sign-out-everywhere": {}, "delete": {"present": PASSWORD}}
    for path, fields in paths.items():
        browser = sign_up(app, f"{path}@example.org")
        browser.get("/account/")
        answer = browser.post(f"/account/{path}", data=fields)
        assert (answer.status_code, answer.headers["Clear-Site-Data"]) == (303, '"cache", "storage"'), path
        assert "Clear-Site-Data" not in browser.get("/").headers


def test_pages_of_an_account_are_kept_by_no_cache(app: Flask) -> None:
    browser = sign_up(app)
    for path in ("/account/", "/account/sign-in", "/account/reset/x", "/account/export"):
        assert browser.get(path).headers["Cache-Control"] == "private, no-store"
