"""How many connections and streams fit into the file descriptors of a process."""

from webapp.server.capacity import RESERVED_DESCRIPTORS, SPARE_CONNECTIONS, Capacity, plan


def test_all_streams_fit_when_the_system_allows_enough() -> None:
    assert plan(20_000, 1000) == Capacity(1000 + SPARE_CONNECTIONS, 1000)


def test_with_few_descriptors_streams_leave_a_third_of_the_connections_to_others() -> None:
    assert plan(1024, 1000) == Capacity(1024 - RESERVED_DESCRIPTORS, 512)
    assert plan(1024, 10) == Capacity(1024 - RESERVED_DESCRIPTORS, 10)
    assert plan(100, 1000) == Capacity(3, 2)
