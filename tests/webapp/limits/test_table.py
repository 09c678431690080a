"""The tables of the limits, and what they are made of."""

import pytest
from flask import Flask
from limits import parse

from webapp.api.batch import MAX_THOUGHTS
from webapp.limits.costs import MAX_COUNTED
from webapp.limits.hashing import folded
from webapp.limits.headers import policy
from webapp.limits.refusals import in_words, is_secret
from webapp.limits.subjects import network_of
from webapp.limits.table import ENDPOINTS, LIMITS, kinds_of


def test_each_endpoint_that_changes_something_has_its_row(app: Flask) -> None:
    changing = {rule.endpoint for rule in app.url_map.iter_rules() if (rule.methods or set()) & CHANGING}
    assert changing <= ENDPOINTS.keys()


def test_each_row_has_its_endpoint(app: Flask) -> None:
    assert ENDPOINTS.keys() <= app.view_functions.keys()


CHANGING = {"POST", "PUT", "PATCH", "DELETE"}


def test_each_rule_has_a_name_of_its_own() -> None:
    assert len({limit.name for limit in LIMITS}) == len(LIMITS)


@pytest.mark.parametrize(
    ("endpoint", "method", "query", "kinds"),
    [
        ("thoughts.create", "POST", {}, {"thoughts", "requests"}),
        ("thoughts.listing", "GET", {}, {"requests"}),
        ("thoughts.listing", "GET", {"similar_to": ""}, {"searches", "requests"}),
        ("pages.search", "GET", {"q": "rust"}, {"searches", "requests"}),
        ("pages.search", "GET", {"q": ""}, {"requests"}),
        ("account.sign_in", "GET", {}, {"requests"}),
        ("account.sign_in", "POST", {}, {"sign-ins", "requests"}),
        ("account.credentials.email", "GET", {}, {"requests"}),
        ("account.credentials.email", "POST", {}, {"password-checks", "email-changes", "requests"}),
        ("health.ready", "GET", {}, set()),
        ("metrics.metrics", "GET", {}, set()),
        ("static", "GET", {}, set()),
    ],
)
def test_a_request_counts_for_its_kinds(endpoint: str, method: str, query: dict[str, str], kinds: set[str]) -> None:
    assert kinds_of(endpoint, method, query) == kinds


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("192.0.2.1", "192.0.2.1"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("::ffff:192.0.2.1", "192.0.2.1"),
        ("fe80::1%eth0", "fe80::/64"),
        ("", "unknown"),
        ("/run/web.sock", "unknown"),
    ],
)
def test_an_address_counts_with_its_network(address: str, network: str) -> None:
    assert network_of(address) == network


def test_an_address_is_folded() -> None:
    assert folded(" Ada@Example.ORG ") == folded("ada@example.org")
    assert folded("ada@example.org") != folded("ada@example.com")
    assert folded("\ud800@example.org") == "\ud800@example.org", "a lone surrogate is no error"


def test_a_batch_counts_at_most_for_what_it_may_hold() -> None:
    assert MAX_COUNTED == MAX_THOUGHTS


def test_a_policy_names_its_window() -> None:
    assert policy("thoughts-per-account", parse("5/10minutes")) == '"thoughts-per-account/600s";q=5;w=600'


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(1, "1 second"), (59, "59 seconds"), (60, "60 seconds"), (61, "2 minutes"), (3600, "60 minutes"),
     (3601, "2 hours"), (86_400, "24 hours")],
)  # fmt: skip
def test_a_wait_is_told_in_words(seconds: int, words: str) -> None:
    assert in_words(seconds) == words


def test_only_the_address_of_an_account_page_is_repeated() -> None:
    assert is_secret("present", ["account.credentials", "account"])
    assert not is_secret("email", ["account"])
    assert not is_secret("text", ["thoughts"])
