"""Step 7: the bridge reads the record and dispatches the thought, a worker runs its steps, the bridge commits."""

import time
from typing import Final

from contracts.database import Row
from validation.outcome import StepFailedError
from validation.queries import RESULTS
from validation.site import RecordPosition, Site
from validation.steps.progress import read_thought, require_not_failed, unfinished
from validation.waiting import wait_for

COMMIT_SECONDS: Final = 10.0
"""The bridge commits once a second."""

NO_THOUGHT_CURE: Final = "repair the step `producer` first, which submits the thought that this step follows"


def check_consumer(site: Site) -> str:
    """Follow the thought of the step `producer` through bridge and worker, and its record to the commit."""
    if site.first_thought is None:
        raise StepFailedError("there is no thought to follow", NO_THOUGHT_CURE)
    thought = site.first_thought
    row = wait_for(lambda: _finished(site, thought.id), thought.sent_at + site.seconds)
    if row is None:
        raise unfinished(thought.id, read_thought(site, thought.id), "result", site.seconds)
    require_not_failed(thought.id, row)
    first = site.database.rows(RESULTS, id=thought.id)[0]
    seen = (
        f"a bridge dispatched the thought {row.seconds_to_dispatch * 1000:.0f} ms after it was accepted, and a worker "
        f"saved {row.steps_done} steps, {first.agent} first"
    )
    return f"{seen}; {_check_commit(site)}"


def _finished(site: Site, thought_id: str) -> Row | None:
    row = read_thought(site, thought_id)
    return row if row.status not in {"pending", "processing"} else None


def _check_commit(site: Site) -> str:
    """Wait until the group has committed an offset above the thought's record."""
    record = site.first_record
    if record is None:
        raise StepFailedError("the thought was processed, but its record was not seen in Kafka", NO_THOUGHT_CURE)
    committed = wait_for(lambda: _committed_above(site, record), time.monotonic() + COMMIT_SECONDS)
    if committed is None:
        raise StepFailedError(
            f"the thought is done, but the group {site.settings.kafka_consumer_group} has not committed offset "
            f"{record.offset} of partition {record.partition} after {COMMIT_SECONDS:g} s",
            "read the log of the bridge; an earlier record of this partition may still be in progress, then it is fine",
        )
    return (
        f"the group {site.settings.kafka_consumer_group} has committed partition {record.partition} below offset "
        f"{committed}"
    )


def _committed_above(site: Site, record: RecordPosition) -> int | None:
    for offsets in site.topic_reader.partition_offsets(site.settings.kafka_topic):
        if offsets.partition == record.partition and offsets.committed_below > record.offset:
            return offsets.committed_below
    return None
