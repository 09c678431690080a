"""`python -m bridge dead-letters show` prints everything that is known about a dead letter."""

from uuid import UUID

import pytest

from contracts.database import Database
from contracts.settings import Settings
from tests.bridge.dead_letter_rows import add_failed_thought, add_record_dead_letter, get_dead_letter, get_thought
from tests.bridge.dead_letters.command_output import run_command, run_json
from tests.bridge.running_relays import idle_relay


@pytest.mark.usefixtures("topics")
def test_show_prints_position_headers_and_value(settings: Settings, database: Database, user_id: UUID) -> None:
    value = b'{"words": "caf\xc3\xa9"}'
    record = add_record_dead_letter(
        database, settings, value, headers=[("trace", b"\xff"), ("none", None)], user_id=str(user_id)
    )
    with idle_relay(settings) as relay:
        relay.publish_batch()
    row = get_dead_letter(database, record)
    shown = run_command(settings, "show", record).stdout
    assert shown.startswith(f"Dead letter {record}\nReason: unreadable\nCreated: 20")
    position = f"Dead letter topic: partition {row.kafka_partition}, offset {row.kafka_offset}\n"
    for part in (position, "error-message: the value is not JSON", "original-offset: 42", "original-key: the key"):
        assert part in shown
    assert "original-header-trace: base64 /w==" in shown
    assert "original-header-none: (null)" in shown
    assert shown.endswith('Value (18 bytes):\n  {"words": "café"}\n')
    letter = run_json(settings, "show", record)
    assert (letter["value"], letter["state"], letter["user_id"]) == (value.decode(), "open", str(user_id))
    assert ["original-header-trace", {"base64": "/w=="}] in letter["headers"]


def test_show_prints_a_thoughts_stack_and_what_became_of_it(
    settings: Settings, database: Database, user_id: UUID
) -> None:
    failure = add_failed_thought(database, settings, user_id, stack="File one\nFile \x1b[2J two")
    run_command(settings, "replay", failure)
    shown = run_command(settings, "show", failure).stdout
    assert f"Thought: {get_thought(database, failure).id}, turn 1, user {user_id}\n" in shown
    assert " as turn 2; its thought is pending\n" in shown
    assert "Stack:\n  File one\n  File \\x1b[2J two\n" in shown
    assert "Dead letter topic: not published yet; " in shown


def test_show_prints_a_binary_value_in_base64_and_a_tombstone_as_none(settings: Settings, database: Database) -> None:
    binary = add_record_dead_letter(database, settings, b"\xff\x00")
    tombstone = add_record_dead_letter(database, settings, None, offset=43)
    assert run_command(settings, "show", binary).stdout.endswith("Value (2 bytes, shown in base64):\n  /wA=\n")
    assert "\nValue: none (a tombstone, " in run_command(settings, "show", tombstone).stdout
    assert run_json(settings, "show", binary)["value"] == {"base64": "/wA="}
    assert run_json(settings, "show", tombstone)["value"] is None
    unknown = run_command(settings, "show", "never\x1b seen")
    assert (unknown.returncode, unknown.stdout) == (1, "")
    assert unknown.stderr == "never\\x1b seen: there is no dead letter with this id\n"


@pytest.mark.parametrize("control", ["\u202e", "\u2067", "\u061c", "\x1b[2J", "\a", "\x9b", "\u2028"], ids=ascii)
def test_show_escapes_what_a_terminal_would_obey_and_what_would_reorder_its_line(
    settings: Settings, database: Database, control: str
) -> None:
    value = f"gpj{control}exe".encode()
    record = add_record_dead_letter(database, settings, value, headers=[("name", value)])
    shown = run_command(settings, "show", record).stdout
    escaped = f"gpj{control.encode('unicode_escape').decode()}exe"
    assert f"original-header-name: {escaped}\n" in shown
    assert shown.endswith(f"  {escaped}\n")
    assert all(character.isprintable() or character == "\n" for character in shown)
