"""The ids of thoughts."""

from datetime import UTC, datetime
from uuid import UUID, uuid4

from webapp.ids import form_key, keyed_id, new_id


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
