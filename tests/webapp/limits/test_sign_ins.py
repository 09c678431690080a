"""The limits of sign-ins: they slow down who guesses, and an attacker can lock nobody out of their own browser."""

import re

from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import Cookie

from contracts.database import Database
from tests.eventually import eventually
from tests.webapp.accounts.browsers import PASSWORD, send
from tests.webapp.conftest import MakeApp
from tests.webapp.limits.clients import client_at, sign_in, sign_up, statuses
from webapp.accounts import resets

VICTIM, UNKNOWN = "ada@example.org", "nobody@example.org"


def session_cookie(browser: FlaskClient) -> str:
    return str(browser.application.config["SESSION_COOKIE_NAME"])


def victims_browser(app: Flask, address: str = "192.0.2.1") -> FlaskClient:
    """Return a browser that has signed in to the victim's account before, and is signed out."""
    browser = client_at(app, address)
    sign_up(browser, VICTIM)
    browser.delete_cookie(session_cookie(browser))
    return browser


def attack(attacker: FlaskClient, email: str = VICTIM, attempts: int = 4) -> list[int]:
    return statuses(*(sign_in(attacker, email) for _ in range(attempts)))


def test_guessing_from_one_address_locks_out_neither_another_address_nor_another_account(make_app: MakeApp) -> None:
    app = make_app(trust_user_id=False, limit_sign_ins_per_address_and_email="2/hour")
    browser = client_at(app, "192.0.2.1")
    sign_up(browser, VICTIM)
    attacker = client_at(app, "198.51.100.1")
    assert attack(attacker) == [422, 422, 429, 429]
    assert sign_in(client_at(app, "192.0.2.9"), VICTIM, PASSWORD).status_code == 303, "a new browser of the victim"
    assert sign_in(attacker, "grace@example.org").status_code == 422, "another account"


def test_the_right_password_is_refused_too_while_the_limit_is_used_up(make_app: MakeApp) -> None:
    app = make_app(trust_user_id=False, limit_sign_ins_per_address_and_email="2/hour")
    victims_browser(app)
    attacker = client_at(app, "198.51.100.1")
    attack(attacker, attempts=2)
    assert sign_in(attacker, VICTIM, PASSWORD).status_code == 429


def test_an_attacker_with_many_addresses_does_not_lock_the_victims_browser_out(make_app: MakeApp) -> None:
    app = make_app(trust_user_id=False, limit_sign_ins_per_email="3/hour")
    browser = victims_browser(app)
    answers = [sign_in(client_at(app, f"198.51.100.{number}"), VICTIM) for number in range(5)]
    assert statuses(*answers) == [422, 422, 422, 429, 429]
    assert sign_in(client_at(app, "192.0.2.9"), VICTIM, PASSWORD).status_code == 429, "a browser that never signed in"
    assert sign_in(browser, VICTIM, PASSWORD).status_code == 303


def test_an_attacker_behind_the_victims_address_does_not_lock_the_victims_browser_out(make_app: MakeApp) -> None:
    app = make_app(trust_user_id=False, limit_sign_ins_per_address="2/hour", limit_sign_ins_for_all="9/hour")
    browser = victims_browser(app)
    attacker = client_at(app, "192.0.2.1")
    assert attack(attacker) == [422, 422, 429, 429]
    assert sign_in(browser, VICTIM, PASSWORD).status_code == 303


def test_one_address_cannot_use_up_the_limit_for_all(make_app: MakeApp) -> None:
    app = make_app(trust_user_id=False, limit_sign_ins_per_address="2/hour", limit_sign_ins_for_all="4/hour")
    attacker, others = client_at(app, "198.51.100.1"), [client_at(app, f"192.0.2.{number}") for number in range(3)]
    assert attack(attacker, attempts=6) == [422, 422, 429, 429, 429, 429]
    assert statuses(*(sign_in(other, UNKNOWN) for other in others)) == [422, 422, 429]


def test_a_browser_that_has_signed_in_before_has_a_limit_of_its_own(make_app: MakeApp) -> None:
    """It may be stolen, so it must not guess without end."""
    app = make_app(trust_user_id=False, limit_sign_ins_per_device="2/hour")
    browser = victims_browser(app)
    assert attack(browser) == [422, 422, 429, 429]
    assert sign_in(client_at(app, "192.0.2.1"), VICTIM, PASSWORD).status_code == 303, "another browser"


def test_the_cookie_of_another_account_and_a_forged_one_spare_nobody_a_limit(make_app: MakeApp) -> None:
    app = make_app(trust_user_id=False, limit_sign_ins_per_email="1/hour")
    victims_browser(app)
    attacker = client_at(app, "198.51.100.1")
    sign_up(attacker, "mallory@example.org")
    attacker.delete_cookie(session_cookie(attacker))
    cookie = device_cookie(attacker)
    assert attack(attacker, attempts=2) == [422, 429]
    forged = client_at(app, "198.51.100.1")
    forged.set_cookie(cookie[0], cookie[1][:-4] + "AAAA")
    assert sign_in(forged, VICTIM).status_code == 429


def test_an_account_whose_address_only_folds_to_the_victims_spares_no_limit(make_app: MakeApp) -> None:
    """Both share their counters, but a browser that signed in to the one has never signed in to the other."""
    app = make_app(trust_user_id=False, limit_sign_ins_per_email="1/hour")
    sign_up(client_at(app, "192.0.2.1"), "ada@gmail.com")
    attacker = client_at(app, "198.51.100.1")
    sign_up(attacker, "ada@gma\u00efl.com")
    attacker.delete_cookie(session_cookie(attacker))
    assert attack(attacker, "ada@gmail.com", attempts=2) == [422, 429]
    assert sign_in(attacker, "ada@gma\u00efl.com", PASSWORD).status_code == 303, "its own account"


def test_the_victims_browser_is_recognised_however_the_address_is_written(make_app: MakeApp) -> None:
    app = make_app(trust_user_id=False, limit_sign_ins_per_email="1/hour")
    browser = victims_browser(app)
    assert attack(client_at(app, "198.51.100.1"), attempts=2) == [422, 429]
    assert sign_in(browser, " ADA@Example.org ", PASSWORD).status_code == 303


def cookies(browser: FlaskClient) -> list[Cookie]:
    return list((browser._cookies or {}).values())


def device_cookie(browser: FlaskClient) -> tuple[str, str]:
    [cookie] = [cookie for cookie in cookies(browser) if cookie.key.startswith("thoughts_device_")]
    assert cookie.http_only
    assert cookie.same_site == "Lax"
    assert cookie.max_age is not None
    assert cookie.max_age > 365 * 86_400
    return cookie.key, cookie.value


def test_the_cookie_is_set_once_and_holds_no_email_address(make_app: MakeApp) -> None:
    app = make_app(trust_user_id=False)
    browser = client_at(app, "192.0.2.1")
    browser.get("/")
    assert not [cookie for cookie in cookies(browser) if "device" in cookie.key], "not before the sign-up"
    sign_up(browser, VICTIM)
    assert "ada@" not in (value := device_cookie(browser)[1])
    assert "example.org" not in value
    assert "Set-Cookie" not in browser.get("/usage").headers


def test_an_unknown_address_counts_and_is_answered_as_a_known_one(make_app: MakeApp) -> None:
    app = make_app(trust_user_id=False, limit_sign_ins_per_email="2/hour")
    victims_browser(app)
    answers = {
        email: [sign_in(client_at(app, f"198.51.100.{number}"), email) for number in range(3)]
        for email in (VICTIM, UNKNOWN)
    }
    known, unknown = (
        [(answer.status_code, shown(answer.text, email)) for answer in answers[email]] for email in answers
    )
    assert [status for status, _ in known] == [422, 422, 429]
    assert known == unknown
    headers = [[answer.headers["RateLimit-Policy"] for answer in answers[email]] for email in answers]
    assert headers[0] == headers[1]


def shown(page: str, email: str) -> str:
    """Return a page without its token, the time, and the address that was written."""
    page = re.sub(r'value="[^"]{60,}"', "", page.replace(email, "E-MAIL"))
    return re.sub(r"\d+ (hours|minutes|seconds)|<time.*?</time>", "TIME", page)


def test_spellings_that_postgresql_takes_for_one_address_share_a_limit(make_app: MakeApp) -> None:
    app = make_app(trust_user_id=False, limit_sign_ins_per_email="2/hour")
    spellings = ["kim.i@example.org", " KIM.I@example.org ", "\u212aim.\u0130@example.org"]
    answers = [sign_in(client_at(app, f"198.51.100.{number}"), spelling) for number, spelling in enumerate(spellings)]
    assert statuses(*answers) == [422, 422, 429]


def test_a_password_that_is_sent_as_json_is_not_compared(make_app: MakeApp) -> None:
    """Flask-WTF would read it, and the limits, which read forms, would not know for which address it counts."""
    app = make_app(trust_user_id=False)
    victims_browser(app)
    fields = {"email": VICTIM, "password": PASSWORD}
    assert client_at(app, "198.51.100.1").post("/account/sign-in", json=fields).status_code == 415


def test_the_page_of_a_refused_sign_in_keeps_the_address_and_no_password(make_app: MakeApp) -> None:
    app = make_app(trust_user_id=False, limit_sign_ins_per_address="1/minute")
    browser = client_at(app, "192.0.2.1")
    sign_in(browser, VICTIM)
    refused = sign_in(browser, VICTIM, "my-secret-word")
    assert refused.status_code == 429
    assert f'value="{VICTIM}"' in refused.text
    assert "my-secret-word" not in refused.text
    assert 'type="password"' in refused.text
    assert 1 <= int(refused.headers["Retry-After"]) <= 61
    assert browser.get("/account/sign-in").status_code == 200, "to open the form is no attempt"


def test_the_limit_of_sign_ins_is_over_after_its_window(make_app: MakeApp) -> None:
    app = make_app(trust_user_id=False, limit_sign_ins_per_address="1/3seconds")
    browser = client_at(app, "192.0.2.1")
    eventually(lambda: sign_in(browser, VICTIM, "").status_code == 429)
    eventually(lambda: sign_in(browser, VICTIM, "").status_code == 422)


def test_sign_ups_are_limited_for_each_address_and_for_all(make_app: MakeApp) -> None:
    app = make_app(trust_user_id=False, limit_sign_ups_per_address="2/hour", limit_sign_ups_for_all="3/hour")
    first, second = client_at(app, "192.0.2.1"), client_at(app, "192.0.2.2")
    fields = {"email": "ada@example.org", "password": "short"}
    assert statuses(*(send(first, "/account/sign-up", **fields) for _ in range(3))) == [422, 422, 429]
    assert statuses(*(send(second, "/account/sign-up", **fields) for _ in range(2))) == [422, 429]


def test_a_reset_by_mail_lets_a_new_browser_in_during_an_attack(make_app: MakeApp, database: Database) -> None:
    app = make_app(trust_user_id=False, limit_sign_ins_per_email="1/hour")
    victims_browser(app)
    attack(client_at(app, "198.51.100.1"), attempts=2)
    new = client_at(app, "192.0.2.9")
    assert sign_in(new, VICTIM, PASSWORD).status_code == 429
    created = resets.create(database, VICTIM)
    assert created is not None
    answer = send(new, f"/account/reset/{created[1]}", password="another long password")
    assert answer.status_code == 303
    assert sign_in(new, VICTIM, "another long password").status_code == 303


def test_the_present_password_is_checked_only_so_often_and_never_repeated(make_app: MakeApp) -> None:
    app = make_app(trust_user_id=False, limit_password_checks_per_user="1/hour")
    browser = client_at(app, "192.0.2.1")
    sign_up(browser, VICTIM)
    fields = {"present": "my-secret-word", "password": "another-secret-word"}
    answers = [send(browser, "/account/password", **fields) for _ in range(2)]
    assert statuses(*answers) == [422, 429]
    assert "secret-word" not in answers[1].text
    assert 'type="password"' in answers[1].text


def test_a_link_that_resets_a_password_is_asked_for_only_so_often(make_app: MakeApp) -> None:
    app = make_app(trust_user_id=False, limit_resets_per_email="1/hour")
    clients = [client_at(app, f"198.51.100.{number}") for number in range(2)]
    assert statuses(*(send(client, "/account/forgotten", email=VICTIM) for client in clients)) == [200, 429]
