"""The network between the processes and the stores: a proxy before each store, which can stall or refuse.

A stall keeps connections open and lets no byte pass, as a cut cable does: for all processes, or for some of them. The
waiting bytes pass when the stall ends, so no process gets an error.
"""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress

import psutil

from tests.tcp_proxy import LOOPBACK, TcpProxy


class Network:
    """The proxies of all stores. `ports`: store -> the proxy's port and the store's port.

    For a proxy's port of 0 the system chooses one. A proxy that is to refuse needs a fixed port: the system might give
    a port of its choice to another process in the meantime.
    """

    def __init__(self, ports: dict[str, tuple[int, int]]) -> None:
        self._proxies = {
            store: TcpProxy(LOOPBACK, store_port, listen_port=proxy_port)
            for store, (proxy_port, store_port) in ports.items()
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
        """Let no byte pass to or from the store, for these processes or for all."""
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
        """Reset the connections to the store, and refuse new ones."""
        self._proxies[store].refuse()
        try:
            yield
        finally:
            self._proxies[store].accept()


def _ports_to(port: int, pids: Iterable[int]) -> set[int]:
    """Return the local ports from which these processes are connected to `port`."""
    local_ports: set[int] = set()
    for pid in pids:
        with suppress(psutil.Error):
            for connection in psutil.Process(pid).net_connections(kind="tcp"):
                if connection.raddr and connection.raddr.port == port:
                    local_ports.add(connection.laddr.port)
    return local_ports
