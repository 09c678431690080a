"""The text of an API token: scanners find it, and a wrong copy is told by its checksum."""

import re

from webapp.accounts.token_text import TOKEN_PATTERN, is_well_formed, new_token_text


def test_each_token_is_another_one_and_well_formed() -> None:
    made = {new_token_text() for _ in range(50)}
    assert len(made) == 50
    assert all(is_well_formed(token) for token in made)


def test_a_scanner_finds_a_token_in_a_file_by_its_prefix() -> None:
    token = new_token_text()
    found = TOKEN_PATTERN.search(f'KEY="{token}"\n')
    assert found is not None
    assert found[0] == token
    assert re.fullmatch(r"\w+", token), "a double click selects all of it"


def test_a_token_that_was_copied_wrongly_is_not_well_formed() -> None:
    token = new_token_text()
    for place in range(len(token)):
        other = "0" if token[place] != "0" else "1"
        assert not is_well_formed(token[:place] + other + token[place + 1 :])
        assert not is_well_formed(token[:place] + token[place + 1 :])
    for wrong in (
        "",
        "tht_",
        token.upper(),
        f" {token}",
        f"{token}\n",
        token * 2,
        token.replace("tht", "ght"),
        "\udcff",
    ):
        assert not is_well_formed(wrong)
