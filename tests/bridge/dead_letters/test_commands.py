"""The commands of `python -m bridge dead-letters`: their output, their changes and their exit statuses."""

import json
import os
import pty
import signal
import subprocess
from uuid import UUID

import pytest
from sqlalchemy import text

from bridge.dead_letters.commands import BATCH_MODE_NOTE
from contracts.database import Database
from contracts.settings import Settings
from tests.bridge.dead_letter_rows import (
    add_failed_thought,
    add_record_dead_letter,
    delete_thought,
    get_dead_letter,
    get_thought,
    make_event,
)
from tests.bridge.dead_letters.command_output import COMMAND, environment, run_command, run_json
from tests.bridge.running_relays import idle_relay
from tests.bridge.thoughts import add_user
from tests.eventually import eventually
from tests.stores import ROOT


def count_states(database: Database) -> dict[str, int]:
    """Return the number of dead letters in each state that occurs."""
    rows = database.rows(text("SELECT state, count(*)::int AS letters FROM dead_letters GROUP BY state"))
    return {row.state: row.letters for row in rows}


def test_the_commands_list_and_replay(settings: Settings, database: Database, user_id: UUID) -> None:
    failure = add_failed_thought(database, settings, user_id)
    listed = subprocess.run([*COMMAND, "list", "--json"], cwd=ROOT, env=environment(settings), capture_output=True)
    (letter,) = json.loads(listed.stdout)
    assert (letter["failure_id"], letter["attempts"], letter["message"]) == (failure, 4, "no luck")
    first = run_command(settings, "replay", failure)
    assert (first.returncode, first.stdout) == (0, f"{failure}: replayed as turn 2\n")
    second = run_command(settings, "replay", failure)
    assert (second.returncode, second.stdout) == (0, f"{failure}: already replayed as turn 2\n")
    assert run_command(settings, "list").stdout == "No dead letters.\n"
    assert failure in run_command(settings, "list", "--all").stdout
    unknown = run_command(settings, "replay", "never seen")
    assert (unknown.returncode, unknown.stdout) == (1, "never seen: there is no dead letter with this id\n")


def test_list_prints_the_total_and_how_to_get_the_next_page(
    settings: Settings, database: Database, user_id: UUID
) -> None:
    failures = [add_failed_thought(database, settings, user_id) for _ in range(5)]
    page = run_command(settings, "list", "--limit", "2", "--offset", "1")
    assert [line.split()[0] for line in page.stdout.splitlines()] == failures[3:1:-1]
    assert page.stderr == "2 of 5 dead letters shown; use --offset 3 for the next page.\n"


def test_list_replay_and_discard_share_their_filters(settings: Settings, database: Database, user_id: UUID) -> None:
    other = add_user(database)
    mine = [add_failed_thought(database, settings, user_id, reason="transient") for _ in range(3)]
    theirs = add_failed_thought(database, settings, other, reason="transient", thought_text="The needle")
    filters = ("--reason", "transient", "--user", str(user_id).upper(), "--since", "2h", "--agent", "value_impact")
    listed = run_json(settings, "list", *filters, "--error-class", "Broken")
    assert {letter["failure_id"] for letter in listed} == {*mine}
    assert run_json(settings, "replay", *filters, "--dry-run") == {
        "dead_letters": 3,
        "closable": 3,
        "closed": 0,
        "by_reason": {"transient": 3},
        "by_agent": {"value_impact": 3},
        "by_user": {str(user_id): 3},
    }
    assert count_states(database) == {"open": 4}
    result = run_command(settings, "replay", *filters)
    assert (result.returncode, result.stdout) == (0, "3 of 3 dead letters were replayed.\n")
    assert [get_thought(database, failure).turn for failure in mine] == [4, 5, 6]
    assert run_command(settings, "replay", *filters).stdout == "0 of 0 dead letters were replayed.\n"
    assert run_command(settings, "discard", "--text", "needle").stdout == "1 of 1 dead letters were discarded.\n"
    assert (get_dead_letter(database, theirs).state, get_thought(database, theirs).status) == ("discarded", "failed")


def test_a_dry_run_counts_and_changes_nothing(settings: Settings, database: Database, user_id: UUID) -> None:
    add_failed_thought(database, settings, user_id)
    deleted = add_failed_thought(database, settings, user_id, agent="priority")
    delete_thought(database, get_thought(database, deleted).id)
    result = run_command(settings, "replay", "--all", "--dry-run")
    assert result.returncode == 0
    assert result.stdout.splitlines()[:2] == [
        "Dry run, nothing was changed: 1 of 2 dead letters would be replayed.",
        "1 cannot be replayed: already closed, too large, without its value, or its thought was deleted or "
        "is no longer failed.",
    ]
    assert {f"  user {user_id}: 2", "  agent priority: 1", "  reason permanent: 2"} <= set(result.stdout.splitlines())
    assert count_states(database) == {"open": 2}
    run_command(settings, "discard", deleted)
    assert "1 cannot be replayed: already closed" in run_command(settings, "replay", deleted, "--dry-run").stdout


def test_a_dry_run_of_discard_counts_given_ids_that_are_already_closed(
    settings: Settings, database: Database, user_id: UUID
) -> None:
    failed, deleted, replayed, discarded = (add_failed_thought(database, settings, user_id) for _ in range(4))
    delete_thought(database, get_thought(database, deleted).id)
    run_command(settings, "replay", replayed)
    run_command(settings, "discard", discarded)
    ids_and_option = (failed, deleted, replayed, discarded, "--dry-run")
    assert run_command(settings, "discard", *ids_and_option).stdout.splitlines()[:2] == [
        "Dry run, nothing was changed: 2 of 4 dead letters would be discarded.",
        "2 cannot be discarded: already closed.",
    ]
    counts = run_json(settings, "discard", *ids_and_option)
    assert (counts["dead_letters"], counts["closable"], counts["closed"]) == (4, 2, 2)
    assert "already closed" not in run_command(settings, "discard", "--all", "--dry-run").stdout
    assert run_json(settings, "replay", *ids_and_option)["closable"] == 1
    assert count_states(database) == {"open": 2, "replayed": 1, "discarded": 1}


def test_replay_in_batch_mode_skips_records_and_lets_thoughts_wait_for_a_batch(
    settings: Settings, database: Database, user_id: UUID
) -> None:
    add_failed_thought(database, settings, user_id)
    add_record_dead_letter(database, settings, b"?")
    batch_mode = settings.model_copy(update={"kafka_mode": False})
    dry_run = run_command(batch_mode, "replay", "--all", "--dry-run")
    first, second, *groups = dry_run.stdout.splitlines()
    assert first == "Dry run, nothing was changed: 1 of 2 dead letters would be replayed."
    assert second.endswith("or is no longer failed, or it is a record, which batch mode cannot replay.")
    assert "  agent (none): 1" in groups
    assert dry_run.stderr == f"{BATCH_MODE_NOTE}\n"
    assert run_command(settings, "replay", "--all", "--dry-run").stderr == ""
    assert run_json(settings, "replay", "--all", "--dry-run")["closable"] == 2
    replayed = run_command(batch_mode, "replay", "--all")
    assert (replayed.returncode, replayed.stderr) == (1, f"{BATCH_MODE_NOTE}\n")
    assert "1 of 2 dead letters were replayed" in replayed.stdout


def test_the_command_ends_silently_when_its_reader_closes_the_pipe(settings: Settings, database: Database) -> None:
    pipe = subprocess.PIPE
    process = subprocess.Popen([*COMMAND, "list"], cwd=ROOT, env=environment(settings), stdout=pipe, stderr=pipe)
    assert process.stdout
    process.stdout.close()
    assert process.stderr
    assert (process.stderr.read(), process.wait(30)) == (b"", 0)
    process.stderr.close()


def test_a_bulk_replay_prints_what_it_could_not_replay_and_replays_the_rest(
    settings: Settings, database: Database, user_id: UUID
) -> None:
    add_failed_thought(database, settings, user_id)
    deleted = add_failed_thought(database, settings, user_id)
    delete_thought(database, get_thought(database, deleted).id)
    result = run_command(settings, "replay", "--all", "--rate", "1000")
    assert (result.returncode, result.stderr) == (1, "")
    assert result.stdout == (
        f"{deleted}: not replayed: its thought was deleted by its author\n1 of 2 dead letters were replayed.\n"
    )


def test_ctrl_c_stops_a_bulk_replay_between_two_statements(
    settings: Settings, database: Database, user_id: UUID
) -> None:
    for _ in range(6):
        add_failed_thought(database, settings, user_id)
    command = [*COMMAND, "replay", "--all", "--rate", "0.5", "--json"]
    process = subprocess.Popen(command, cwd=ROOT, env=environment(settings), stdout=subprocess.PIPE)
    eventually(lambda: count_states(database).get("replayed", 0) >= 2)
    process.send_signal(signal.SIGINT)
    output, _ = process.communicate(timeout=30)
    counts = json.loads(output)
    assert process.returncode == 130
    assert counts["remaining"] > 0
    assert counts["replayed"] + counts["remaining"] == counts["selected"] == 6
    assert count_states(database) == {"replayed": counts["replayed"], "open": counts["remaining"]}
    assert run_command(settings, "replay", "--all").returncode == 0
    assert count_states(database) == {"replayed": 6}


def test_a_bulk_replay_shows_a_progress_bar_on_a_terminal(
    settings: Settings, database: Database, user_id: UUID
) -> None:
    for _ in range(3):
        add_failed_thought(database, settings, user_id)
    our_end, command_end = pty.openpty()
    command = [*COMMAND, "replay", "--all"]
    result = subprocess.run(
        command, cwd=ROOT, env=environment(settings), stdout=subprocess.PIPE, stderr=command_end, timeout=60
    )
    os.close(command_end)
    shown = os.read(our_end, 65_536).decode()
    os.close(our_end)
    assert result.stdout == b"3 of 3 dead letters were replayed.\n"
    assert "3 dead letters" in shown
    assert "100%" in shown


@pytest.mark.usefixtures("topics")
def test_rebuild_prints_its_counts(settings: Settings, database: Database, user_id: UUID) -> None:
    _, value = make_event(user_id)
    add_record_dead_letter(database, settings, value)
    with idle_relay(settings) as relay:
        relay.publish_batch()
    database.rows(text("DELETE FROM dead_letters"))
    line = run_command(settings, "rebuild").stdout
    assert line.startswith("Records in the topic: 1; rows added to the index: 1; already there: 0; ")
    assert run_json(settings, "rebuild") == {"records": 1, "added": 0, "other_records": 0}


@pytest.mark.usefixtures("topics")
def test_publish_prints_its_counts(settings: Settings, database: Database) -> None:
    add_record_dead_letter(database, settings, b"?")
    with idle_relay(settings) as relay:
        relay.publish_batch()
    database.rows(text("UPDATE dead_letters SET failure_id = 'another'"))
    counts = "Dead letters that should be in the topic: 1; missing: 1"
    assert run_command(settings, "republish", "--dry-run").stdout == f"{counts}. Dry run, nothing was changed.\n"
    assert run_json(settings, "republish", "--dry-run") == {"expected": 1, "missing": 1, "written": 0}
    assert run_command(settings, "republish").stdout == f"{counts}; written to the outbox: 1.\n"
    assert run_json(settings, "republish") == {"expected": 0, "missing": 0, "written": 0}


def test_the_commands_report_an_unavailable_postgresql_in_one_line(settings: Settings) -> None:
    unreachable = settings.model_copy(update={"database_url": "postgresql+psycopg2://nobody@127.0.0.1:9/none"})
    for arguments in (["list"], ["show", "an-id"], ["replay", "an-id"], ["discard", "--all"]):
        result = run_command(unreachable, *arguments)
        assert result.returncode == 1
        assert result.stderr.startswith("PostgreSQL is unavailable: ")
        assert result.stderr.count("\n") == 1
