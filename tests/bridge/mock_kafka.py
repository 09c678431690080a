"""Runs librdkafka's mock brokers in this process, for faults that a real Kafka on one machine cannot produce.

The brokers are controlled by librdkafka's C functions (rdkafka_mock.h), which confluent-kafka's module contains.
"""

import ctypes
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from confluent_kafka import cimpl

PRODUCER = 0
NO_LEADER = -1
OFFSET_FETCH = 9
"""The API key of the OffsetFetch request in Kafka's protocol."""

_C = ctypes.CDLL(cimpl.__file__)
_HANDLES = {
    "rd_kafka_conf_new": [],
    "rd_kafka_new": [ctypes.c_int, ctypes.c_void_p, ctypes.c_char_p, ctypes.c_size_t],
    "rd_kafka_mock_cluster_new": [ctypes.c_void_p, ctypes.c_int],
}
_STATUSES = {
    "rd_kafka_mock_topic_create": [ctypes.c_void_p, ctypes.c_char_p, ctypes.c_int, ctypes.c_int],
    "rd_kafka_mock_partition_set_leader": [ctypes.c_void_p, ctypes.c_char_p, ctypes.c_int32, ctypes.c_int32],
    "rd_kafka_mock_push_request_errors_array": [ctypes.c_void_p, ctypes.c_int16, ctypes.c_size_t, ctypes.c_void_p],
    "rd_kafka_mock_cluster_destroy": [ctypes.c_void_p],
    "rd_kafka_destroy": [ctypes.c_void_p],
    "rd_kafka_conf_set": [ctypes.c_void_p, ctypes.c_char_p, ctypes.c_char_p, ctypes.c_char_p, ctypes.c_size_t],
}
for _kind, _names in ((ctypes.c_void_p, _HANDLES), (ctypes.c_int, _STATUSES)):
    for _name, _arguments in _names.items():
        _function = getattr(_C, _name)
        _function.restype, _function.argtypes = _kind, _arguments
_C.rd_kafka_mock_cluster_bootstraps.restype = ctypes.c_char_p
_C.rd_kafka_mock_cluster_bootstraps.argtypes = [ctypes.c_void_p]


class MockKafka:
    """A cluster of three brokers. Initially broker n + 1 leads partition n of a topic."""

    def __init__(self) -> None:
        config = _C.rd_kafka_conf_new()
        _C.rd_kafka_conf_set(config, b"log_level", b"0", None, 0)
        self._client = _C.rd_kafka_new(PRODUCER, config, None, 0)
        self._cluster = _C.rd_kafka_mock_cluster_new(self._client, 3)
        self.address: str = _C.rd_kafka_mock_cluster_bootstraps(self._cluster).decode()

    def close(self) -> None:
        _C.rd_kafka_mock_cluster_destroy(self._cluster)
        _C.rd_kafka_destroy(self._client)

    def create_topic(self, topic: str, partitions: int = 3) -> None:
        assert _C.rd_kafka_mock_topic_create(self._cluster, topic.encode(), partitions, 1) == 0

    def set_leader(self, topic: str, partition: int, broker: int) -> None:
        """Make a broker lead the partition from now on, or none with NO_LEADER."""
        assert _C.rd_kafka_mock_partition_set_leader(self._cluster, topic.encode(), partition, broker) == 0

    def fail_requests(self, request: int, errors: Sequence[int]) -> None:
        """Answer the next requests of this API key with these errors, one after the other."""
        codes = (ctypes.c_int * len(errors))(*errors)
        _C.rd_kafka_mock_push_request_errors_array(self._cluster, request, len(errors), codes)


@contextmanager
def mock_kafka() -> Iterator[MockKafka]:
    """Run a mock cluster until the block ends."""
    kafka = MockKafka()
    try:
        yield kafka
    finally:
        kafka.close()
