"""`python -m bridge dead-letters show`: all that is known of one."""

from uuid import UUID

import pytest

from contracts.database import Database
from contracts.settings import Settings
from tests.bridge.dead_letter_rows import buried, failed, letter_of, thought_of
from tests.bridge.dead_letters.command_output import said, told
from tests.bridge.running_relays import a_relay


@pytest.mark.usefixtures("topics")
def test_show_prints_all_that_is_known(settings: Settings, database: Database, user_id: UUID) -> None:
    value = b'{"words": "caf\xc3\xa9"}'
    record = buried(database, settings, value, headers=[("trace", b"\xff"), ("none", None)], user_id=str(user_id))
    with a_relay(settings) as relay:
        relay.publish_batch()
    stands = letter_of(database, record)
    shown = said(settings, "show", record).stdout
    assert shown.splitlines()[0] == f"{record}  unreadable"
    place = f"partition {stands.kafka_partition}, offset {stands.kafka_offset} of the dead letter topic"
    for part in (place, "error-message: the value is not JSON", "original-offset: 42", "original-key: the key"):
        assert part in shown
    assert "original-header-trace: base64 /w==" in shown
    assert "original-header-none: (null)" in shown
    assert shown.endswith('value, 18 bytes:\n  {"words": "café"}\n')
    found = told(settings, "show", record)
    assert (found["value"], found["state"], found["user_id"]) == (value.decode(), "open", str(user_id))
    assert ["original-header-trace", {"base64": "/w=="}] in found["headers"]


def test_show_tells_a_thoughts_stack_and_its_way(settings: Settings, database: Database, user_id: UUID) -> None:
    failure = failed(database, settings, user_id, stack="File one\nFile \x1b[2J two")
    said(settings, "replay", failure)
    shown = said(settings, "show", failure).stdout
    assert f"thought {thought_of(database, failure).id}, turn 1, user {user_id}" in shown
    assert " as turn 2: pending" in shown
    assert "stack:\n  File one\n  File \\x1b[2J two\n" in shown
    assert "in Kafka: not yet" in shown


def test_show_prints_other_bytes_in_base64_and_tombstones_as_none(settings: Settings, database: Database) -> None:
    binary, tombstone = buried(database, settings, b"\xff\x00"), buried(database, settings, None, offset=43)
    assert said(settings, "show", binary).stdout.endswith("value, 2 bytes, in base64:\n  /wA=\n")
    assert said(settings, "show", tombstone).stdout.endswith("value: none, a tombstone\n")
    assert told(settings, "show", binary)["value"] == {"base64": "/wA="}
    assert told(settings, "show", tombstone)["value"] is None
    unknown = said(settings, "show", "never\x1b seen")
    assert (unknown.returncode, unknown.stdout) == (1, "")
    assert unknown.stderr == "never\\x1b seen: there is no dead letter with this id\n"
