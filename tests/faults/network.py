"""The network between the processes and the stores: a proxy before each store, that can stall or refuse.

Stalled, connections stay open and no byte passes, as when a cable is cut: for all processes, or for some alone. What
waited passes when the stall ends, so no process is told that anything was wrong.
"""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress

import psutil

from tests.tcp_proxy import LOOPBACK, TcpProxy


class Network:
    """The proxies of all stores, by the store's name: the port through which it is reached, and its own.

    A port of 0 is chosen by the system. A proxy that refuses for a while needs a chosen one: the system might give its
    port away meanwhile.
    """

    def __init__(self, ports: dict[str, tuple[int, int]]) -> None:
        self._proxies = {
            store: TcpProxy(LOOPBACK, store_port, own_port=own_port) for store, (own_port, store_port) in ports.items()
        }

    def __enter__(self) -> "Network":
        return self

    def __exit__(self, *_: object) -> None:
        for proxy in self._proxies.values():
            proxy.close()

    def port(self, store: str) -> int:
        return self._proxies[store].port

    @contextmanager
    def stalled(self, store: str, pids: Iterable[int] | None = None) -> Iterator[None]:
        """No byte passes to and from the store, for these processes or for all."""
        proxy = self._proxies[store]
        if pids is None:
            proxy.stall()
        else:
            stalled_pids = list(pids)
            proxy.stall(lambda client_port: client_port in _ports_to(proxy.port, stalled_pids))
        try:
            yield
        finally:
            proxy.resume()

    @contextmanager
    def refused(self, store: str) -> Iterator[None]:
        """Connections to the store are reset, and new ones refused."""
        self._proxies[store].refuse()
        try:
            yield
        finally:
            self._proxies[store].accept()


def _ports_to(port: int, pids: Iterable[int]) -> set[int]:
    """The local ports from which these processes are connected to `port`."""
    found: set[int] = set()
    for pid in pids:
        with suppress(psutil.Error):
            for connection in psutil.Process(pid).net_connections(kind="tcp"):
                if connection.raddr and connection.raddr.port == port:
                    found.add(connection.laddr.port)
    return found
