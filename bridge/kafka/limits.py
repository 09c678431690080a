"""Record sizes: what the topics allow, and so what a producer may send and a dead letter may hold."""

from typing import Final

MAX_WORK_BATCH_BYTES: Final = 1_048_588
"""The largest record batch of the work topic, as it is sent: Kafka's own default. A compressed batch may be larger once
it is decompressed."""

MAX_DEAD_LETTER_VALUE_BYTES: Final = 16 * 1024 * 1024
"""The largest value that fits into a dead letter. A compressed value may decompress to any size, and one that
PostgreSQL could not store within a statement's time limit would stop its partition. Storing 16 MiB takes an eighth of
that time."""

MAX_DEAD_LETTER_RECORD_BYTES: Final = MAX_DEAD_LETTER_VALUE_BYTES + MAX_WORK_BATCH_BYTES + 65_536
"""A dead letter carries the original's value, key and headers, and up to 64 KiB of headers that describe the
failure."""
