"""Which connection is dropped when too many are open, or hold too much."""

from dataclasses import dataclass

from webapp.server.connections import Connections


@dataclass(eq=False)
class Waiting:
    since: float
    waits_for_client: bool = True
    is_stream: bool = False
    held_bytes: int = 0
    is_dropped: bool = False

    def drop(self) -> None:
        self.is_dropped = True


def dropped(*connections: Waiting) -> list[bool]:
    return [connection.is_dropped for connection in connections]


def test_above_the_limit_the_connection_that_waits_longest_is_dropped_and_no_stream_or_working_one() -> None:
    limits = Connections(4, 1000)
    stream, working = Waiting(0, is_stream=True), Waiting(1, waits_for_client=False)
    old, young, new, newest = (Waiting(since) for since in (2, 3, 4, 5))
    assert [limits.admit(connection) for connection in (stream, working, young, old, new, newest)] == [True] * 6
    assert dropped(stream, working, old, young, new, newest) == [False, False, True, True, False, False]


def test_a_connection_is_rejected_when_none_can_be_dropped() -> None:
    limits, working = Connections(1, 1000), Waiting(1, waits_for_client=False)
    assert limits.admit(working)
    assert not limits.admit(Waiting(2))
    limits.remove(working)
    assert limits.admit(Waiting(3))


def test_above_the_limit_of_bytes_the_connection_that_holds_some_for_longest_is_dropped_even_a_stream() -> None:
    limits = Connections(10, 1000)
    idle, stream, slow, large = Waiting(0), Waiting(1, is_stream=True), Waiting(2), Waiting(3)
    for connection in (idle, stream, slow, large):
        limits.admit(connection)
    limits.hold(stream, 300)
    limits.hold(slow, 300)
    limits.hold(slow, 400)
    assert dropped(idle, stream, slow, large) == [False] * 4
    limits.hold(large, 600)
    assert dropped(idle, stream, slow, large) == [False, True, False, False]
    assert limits.held_bytes == 1000
    limits.hold(large, 5000)
    assert dropped(idle, slow, large) == [False, True, False], "one alone may exceed the limit"
    limits.remove(large)
    limits.remove(slow)
    assert limits.held_bytes == 0
