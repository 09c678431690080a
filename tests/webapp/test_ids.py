"""The ids of thoughts."""

from datetime import UTC, datetime
from uuid import UUID, uuid4

import pytest

from webapp.ids import form_key, keyed_id, new_id, parse_id


def test_new_ids_are_uuids_of_version_7_in_the_order_of_time() -> None:
    before = datetime.now(UTC).timestamp() * 1000
    ids = [new_id() for _ in range(100)]
    after = datetime.now(UTC).timestamp() * 1000
    assert len(set(ids)) == 100
    assert {(new.version, new.variant) for new in ids} == {(7, UUID(int=0x8000 << 48).variant)}
    assert all(int(before) <= new.int >> 80 <= int(after) for new in ids)


def test_a_key_gives_the_same_id_for_the_same_user_only() -> None:
    user, other = uuid4(), uuid4()
    assert keyed_id(user, "k") == keyed_id(user, "k") != keyed_id(user, "l")
    assert keyed_id(user, "k") != keyed_id(other, "k")


def test_a_form_key_depends_on_the_text() -> None:
    assert form_key("n", "a") == form_key("n", "a") != form_key("n", "b")


def test_only_the_digits_of_a_uuid_are_an_id() -> None:
    user = uuid4()
    for written in (str(user), user.hex, str(user).upper()):
        assert parse_id(written) == user
    rest = user.hex[1:]
    for other in (
        f"+{rest}",
        f" {rest}",
        f"\u00a0{rest}",
        f"\u0663{rest}",
        f"{rest}\n",
        f"{user}\u200b",
        f"{rest[0]}_{rest[1:]}",
    ):
        with pytest.raises(ValueError, match="no UUID"):
            parse_id(other)
