"""`python -m bridge dead-letters` as a person types it: what it prints, what it changes, and its exit status."""

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
from tests.bridge.dead_letter_rows import an_event, buried, delete, failed, letter_of, thought_of
from tests.bridge.dead_letters.command_output import COMMAND, environment, said, told
from tests.bridge.running_relays import a_relay
from tests.bridge.thoughts import add_user
from tests.eventually import eventually
from tests.stores import ROOT


def states(database: Database) -> dict[str, int]:
    rows = database.rows(text("SELECT state, count(*)::int AS letters FROM dead_letters GROUP BY state"))
    return {row.state: row.letters for row in rows}


def test_the_commands_show_and_replay(settings: Settings, database: Database, user_id: UUID) -> None:
    failure = failed(database, settings, user_id)
    listed = subprocess.run([*COMMAND, "list", "--json"], cwd=ROOT, env=environment(settings), capture_output=True)
    (letter,) = json.loads(listed.stdout)
    assert (letter["failure_id"], letter["attempts"], letter["message"]) == (failure, 4, "no luck")
    done = said(settings, "replay", failure)
    assert (done.returncode, done.stdout) == (0, f"{failure}: replayed as turn 2\n")
    again = said(settings, "replay", failure)
    assert (again.returncode, again.stdout) == (0, f"{failure}: already replayed as turn 2\n")
    assert said(settings, "list").stdout == "No dead letters.\n"
    assert failure in said(settings, "list", "--all").stdout
    unknown = said(settings, "replay", "never seen")
    assert (unknown.returncode, unknown.stdout) == (1, "never seen: there is no dead letter with this id\n")


def test_a_page_says_how_many_there_are(settings: Settings, database: Database, user_id: UUID) -> None:
    every = [failed(database, settings, user_id) for _ in range(5)]
    done = said(settings, "list", "--limit", "2", "--offset", "1")
    assert [line.split()[0] for line in done.stdout.splitlines()] == every[3:1:-1]
    assert done.stderr == "2 of 5 dead letters; --offset 3 shows the next ones.\n"


def test_filters_are_shared_by_list_replay_and_discard(settings: Settings, database: Database, user_id: UUID) -> None:
    other = add_user(database)
    mine = [failed(database, settings, user_id, reason="transient") for _ in range(3)]
    theirs = failed(database, settings, other, reason="transient", words="The needle")
    words = ("--reason", "transient", "--user", str(user_id).upper(), "--since", "2h", "--agent", "value_impact")
    assert {one["failure_id"] for one in told(settings, "list", *words, "--error-class", "Broken")} == {*mine}
    assert told(settings, "replay", *words, "--dry-run") == {
        "dead_letters": 3,
        "replayable": 3,
        "closed": 0,
        "by_reason": {"transient": 3},
        "by_agent": {"value_impact": 3},
        "by_user": {str(user_id): 3},
    }
    assert states(database) == {"open": 4}
    done = said(settings, "replay", *words)
    assert (done.returncode, done.stdout) == (0, "3 of 3 dead letters were replayed.\n")
    assert [thought_of(database, one).turn for one in mine] == [4, 5, 6]
    assert said(settings, "replay", *words).stdout == "0 of 0 dead letters were replayed.\n"
    assert said(settings, "discard", "--text", "needle").stdout == "1 of 1 dead letters were discarded.\n"
    assert (letter_of(database, theirs).state, thought_of(database, theirs).status) == ("discarded", "failed")


def test_a_dry_run_counts_and_changes_nothing(settings: Settings, database: Database, user_id: UUID) -> None:
    failed(database, settings, user_id)
    gone = failed(database, settings, user_id, agent="priority")
    delete(database, thought_of(database, gone).id)
    done = said(settings, "replay", "--all", "--dry-run")
    assert done.returncode == 0
    assert done.stdout.splitlines()[:2] == [
        "2 dead letters would be replayed; nothing was changed.",
        "1 of them cannot be: closed, too large, incomplete, or their thought was deleted or has moved on.",
    ]
    assert {f"  user {user_id}: 2", "  agent priority: 1", "  reason permanent: 2"} <= set(done.stdout.splitlines())
    assert states(database) == {"open": 2}
    said(settings, "discard", gone)
    named = said(settings, "replay", gone, "--dry-run").stdout
    assert "1 of them cannot be: closed" in named


def test_a_dry_run_of_discard_says_which_of_the_named_are_closed_already(
    settings: Settings, database: Database, user_id: UUID
) -> None:
    waits, gone, replayed, discarded = (failed(database, settings, user_id) for _ in range(4))
    delete(database, thought_of(database, gone).id)
    said(settings, "replay", replayed)
    said(settings, "discard", discarded)
    named = ("discard", waits, gone, replayed, discarded, "--dry-run")
    assert said(settings, *named).stdout.splitlines()[:2] == [
        "4 dead letters would be discarded; nothing was changed.",
        "2 of them are closed already.",
    ]
    found = told(settings, *named)
    assert (found["dead_letters"], found["replayable"], found["closed"]) == (4, 2, 2)
    assert "closed already" not in said(settings, "discard", "--all", "--dry-run").stdout
    assert told(settings, "replay", *named[1:])["replayable"] == 1
    assert states(database) == {"open": 2, "replayed": 1, "discarded": 1}


def test_in_batch_mode_no_records_are_replayed_or_counted_and_thoughts_wait_for_a_batch(
    settings: Settings, database: Database, user_id: UUID
) -> None:
    failed(database, settings, user_id)
    buried(database, settings, b"?")
    tonight = settings.model_copy(update={"kafka_mode": False})
    done = said(tonight, "replay", "--all", "--dry-run")
    assert done.stdout.splitlines()[:2] == [
        "2 dead letters would be replayed; nothing was changed.",
        "1 of them cannot be: closed, too large, incomplete, or their thought was deleted or has moved on.",
    ]
    assert done.stderr == f"{BATCH_MODE_NOTE}\n"
    assert said(settings, "replay", "--all", "--dry-run").stderr == ""
    assert told(settings, "replay", "--all", "--dry-run")["replayable"] == 2
    replayed = said(tonight, "replay", "--all")
    assert (replayed.returncode, replayed.stderr) == (1, f"{BATCH_MODE_NOTE}\n")
    assert "1 of 2 dead letters were replayed" in replayed.stdout


def test_who_has_read_enough_ends_it_without_a_word(settings: Settings, database: Database) -> None:
    pipe = subprocess.PIPE
    process = subprocess.Popen([*COMMAND, "list"], cwd=ROOT, env=environment(settings), stdout=pipe, stderr=pipe)
    assert process.stdout
    process.stdout.close()
    assert process.stderr
    assert (process.stderr.read(), process.wait(30)) == (b"", 0)
    process.stderr.close()


def test_what_could_not_be_replayed_is_named_and_the_rest_is_done(
    settings: Settings, database: Database, user_id: UUID
) -> None:
    failed(database, settings, user_id)
    gone = failed(database, settings, user_id)
    delete(database, thought_of(database, gone).id)
    done = said(settings, "replay", "--all", "--rate", "1000")
    assert (done.returncode, done.stderr) == (1, "")
    assert done.stdout == (
        f"{gone}: not replayed: its thought was deleted by its author\n1 of 2 dead letters were replayed.\n"
    )


def test_ctrl_c_ends_a_bulk_replay_between_two_statements(
    settings: Settings, database: Database, user_id: UUID
) -> None:
    for _ in range(6):
        failed(database, settings, user_id)
    command = [*COMMAND, "replay", "--all", "--rate", "0.5", "--json"]
    process = subprocess.Popen(command, cwd=ROOT, env=environment(settings), stdout=subprocess.PIPE)
    eventually(lambda: states(database).get("replayed", 0) >= 2)
    process.send_signal(signal.SIGINT)
    output, _ = process.communicate(timeout=30)
    done = json.loads(output)
    assert process.returncode == 130
    assert done["left"] > 0
    assert done["replayed"] + done["left"] == done["chosen"] == 6
    assert states(database) == {"replayed": done["replayed"], "open": done["left"]}
    assert said(settings, "replay", "--all").returncode == 0
    assert states(database) == {"replayed": 6}


def test_a_bar_is_shown_on_a_terminal(settings: Settings, database: Database, user_id: UUID) -> None:
    for _ in range(3):
        failed(database, settings, user_id)
    ours, theirs = pty.openpty()
    command = [*COMMAND, "replay", "--all"]
    done = subprocess.run(
        command, cwd=ROOT, env=environment(settings), stdout=subprocess.PIPE, stderr=theirs, timeout=60
    )
    os.close(theirs)
    shown = os.read(ours, 65_536).decode()
    os.close(ours)
    assert done.stdout == b"3 of 3 dead letters were replayed.\n"
    assert "3 dead letters" in shown
    assert "100%" in shown


@pytest.mark.usefixtures("topics")
def test_rebuild_says_what_it_found(settings: Settings, database: Database, user_id: UUID) -> None:
    _, value = an_event(user_id)
    buried(database, settings, value)
    with a_relay(settings) as relay:
        relay.publish_batch()
    database.rows(text("DELETE FROM dead_letters"))
    sentence = said(settings, "rebuild").stdout
    assert sentence.startswith("1 records in the topic: 1 rows were added, 0 were there")
    assert told(settings, "rebuild") == {"records": 1, "added": 0, "other_records": 0}


@pytest.mark.usefixtures("topics")
def test_publish_says_what_it_found(settings: Settings, database: Database) -> None:
    buried(database, settings, b"?")
    with a_relay(settings) as relay:
        relay.publish_batch()
    database.rows(text("UPDATE dead_letters SET failure_id = 'another'"))
    found = "1 dead letters should be in the topic, 1 are not"
    assert said(settings, "publish", "--dry-run").stdout == f"{found}; nothing was changed.\n"
    assert told(settings, "publish", "--dry-run") == {"expected": 1, "missing": 1, "written": 0}
    assert said(settings, "publish").stdout == f"{found}: 1 were written to the outbox again.\n"
    assert told(settings, "publish") == {"expected": 0, "missing": 0, "written": 0}


def test_postgresql_away_is_said_in_one_line(settings: Settings) -> None:
    away = settings.model_copy(update={"database_url": "postgresql+psycopg2://nobody@127.0.0.1:9/none"})
    for words in (["list"], ["show", "an-id"], ["replay", "an-id"], ["discard", "--all"]):
        done = said(away, *words)
        assert done.returncode == 1
        assert done.stderr.startswith("PostgreSQL did not answer")
        assert done.stderr.count("\n") == 1
