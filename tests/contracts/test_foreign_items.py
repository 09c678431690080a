"""Items of another installation are recognised by their header, counted, and logged from time to time."""

import logging

import pytest

from contracts.foreign_items import INSTALLATION_HEADER, ForeignItemLog, is_foreign, sender_of


@pytest.mark.parametrize(
    ("sender", "own_id", "expected"),
    [("b", "a", True), ("a", "a", False), (None, "a", False), ("", "a", False), ("b", "", False)],
)
def test_only_a_known_and_different_sender_is_foreign(sender: str | None, own_id: str, expected: bool) -> None:
    assert is_foreign(sender, own_id) is expected


@pytest.mark.parametrize(
    ("headers", "expected"),
    [(None, None), ({}, None), ({INSTALLATION_HEADER: "a"}, "a"), ({INSTALLATION_HEADER: 7}, None)],
)
def test_the_sender_is_read_from_the_headers(headers: dict[str, object] | None, expected: str | None) -> None:
    assert sender_of(headers) == expected


def test_many_items_are_counted_and_logged_once(caplog: pytest.LogCaptureFixture) -> None:
    items = ForeignItemLog("%d items, the last one of %s")
    with caplog.at_level(logging.ERROR):
        for _ in range(50):
            items.add("other")
    assert items.count == 50
    assert [record.message for record in caplog.records] == ["1 items, the last one of other"]
