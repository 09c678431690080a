"""The logs mask the token of every mailed link."""

import pytest
from flask import Flask

from webapp.server.masking_logger import masked


def test_the_path_of_every_route_with_a_token_is_masked(app: Flask) -> None:
    rules = [rule for rule in app.url_map.iter_rules() if "token" in rule.arguments]
    paths = [rule.rule.replace("<token>", "the-secret") for rule in rules]
    assert len(paths) == 3
    assert [path for path in paths if "the-secret" in masked(path)] == []


@pytest.mark.parametrize("path", ["/account/reset", "/account/email", "/", "/thoughts/1", "/account/tokens/1/delete"])
def test_other_paths_are_logged_as_they_are(path: str) -> None:
    assert masked(path) == path
