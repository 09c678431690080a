"""The network between the processes and the stores: a proxy before each store, which can stall or refuse.

A stall keeps connections open and lets no byte pass, as a cut cable does: for all processes, or for some of them. The
waiting bytes pass when the stall ends, so no process gets an error.
"""

import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

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
            proxy.stall(_PortsOf(proxy.port, pids))
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


class _PortsOf:
    """Says for a client's port whether one of some processes has opened this connection to a proxy.

    It lists all connections at once and remembers them: to list them for each connection took minutes on a busy
    machine, and the network was stalled for so long.
    """

    def __init__(self, proxy_port: int, pids: Iterable[int]) -> None:
        self._proxy_port = proxy_port
        self._pids = frozenset(pids)
        self._lock = threading.Lock()
        self._is_theirs: dict[int, bool] = {}

    def __call__(self, client_port: int) -> bool:
        with self._lock:
            if client_port not in self._is_theirs:
                self._list_connections()
            return self._is_theirs.setdefault(client_port, False)

    def _list_connections(self) -> None:
        for _, _, _, local, remote, _, pid in psutil.net_connections(kind="tcp"):
            if local and remote and remote[1] == self._proxy_port:
                self._is_theirs[local[1]] = pid in self._pids
