"""Step 5: the three topics exist."""

from collections.abc import Mapping
from typing import Final

from bridge.kafka.retry import retry_transient
from bridge.kafka.watermarks import Watermarks
from validation.outcome import StepFailedError
from validation.site import Site
from validation.steps.broker import METADATA_SECONDS

CREATE_CURE: Final = "create the missing topics with `python -m bridge create-topics`"


def check_topics(site: Site) -> str:
    """Count the partitions and records of each topic."""
    settings = site.settings
    wanted = (settings.kafka_topic, settings.kafka_events_topic, settings.kafka_dead_letter_topic)
    existing = site.kafka_admin.list_topics(timeout=METADATA_SECONDS).topics
    spans = {name: _spans(site, name, list(existing[name].partitions)) for name in wanted if name in existing}
    return judge_topics({name: spans.get(name) for name in wanted})


def _spans(site: Site, topic: str, numbers: list[int]) -> list[tuple[int, int]]:
    """Return the first offset and the next offset of each partition."""
    watermarks = Watermarks(site.kafka_admin, topic)
    retry_transient(lambda: watermarks.fetch(numbers), METADATA_SECONDS)
    return list(watermarks.by_partition.values())


def judge_topics(spans: Mapping[str, list[tuple[int, int]] | None]) -> str:
    """Return what each topic holds. `spans` has the offsets of its partitions, or None when it does not exist.

    Raises StepFailedError when one is missing.
    """
    if missing := [name for name, offsets in spans.items() if offsets is None]:
        raise StepFailedError(f"missing: {', '.join(missing)}", CREATE_CURE)
    return "; ".join(_describe(name, offsets or []) for name, offsets in spans.items())


def _describe(name: str, offsets: list[tuple[int, int]]) -> str:
    records = sum(end - first for first, end in offsets)
    return f"{name}: {len(offsets)} partitions, {records} records"
