"""The network between the processes and one store: a port before the store's own, that can fall silent or refuse.

Silent, connections stay open and no byte passes, as when a cable is cut: for everybody, or for one process alone. When
the silence ends, what waited passes, so that nobody is told that anything was wrong.
"""

import asyncio
import threading
from collections.abc import Callable, Coroutine, Iterable, Iterator
from contextlib import contextmanager, suppress
from typing import Any, TypeVar

import psutil

from devstack.spec.ports import LOOPBACK

T = TypeVar("T")

CHUNK = 65_536


class Link:
    """One connection through the proxy."""

    def __init__(self, client_port: int) -> None:
        self.client_port = client_port
        self.flows = asyncio.Event()
        self.flows.set()
        self.writers: list[asyncio.StreamWriter] = []

    def reset(self) -> None:
        for writer in self.writers:
            writer.transport.abort()
        self.flows.set()


class Proxy:
    """Passes bytes on from `port` to the store. To be used from the loop's thread only."""

    def __init__(self, port: int, target: int) -> None:
        self.port = port
        self._target = target
        self._links: set[Link] = set()
        self._is_silent: Callable[[int], bool] | None = None
        self._server: asyncio.Server | None = None

    async def listen(self) -> None:
        """Take connections, at the same port as before."""
        self._server = await asyncio.start_server(self._serve, LOOPBACK, self.port)
        self.port = self._server.sockets[0].getsockname()[1]

    async def fall_silent(self, pids: Iterable[int] | None) -> None:
        """Let nothing pass, for these processes or for everybody, until `flow`."""
        victims = None if pids is None else list(pids)
        self._is_silent = lambda port: victims is None or port in _ports_to(self.port, victims)
        held = None if victims is None else _ports_to(self.port, victims)
        for link in self._links:
            if held is None or link.client_port in held:
                link.flows.clear()

    async def flow(self) -> None:
        """Let everything pass again, what waited first."""
        self._is_silent = None
        for link in self._links:
            link.flows.set()

    async def refuse(self) -> None:
        """Reset what is open, and take no connection until `listen`."""
        if self._server is not None:
            self._server.close()
        for link in list(self._links):
            link.reset()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        link = Link(writer.get_extra_info("peername")[1])
        link.writers.append(writer)
        self._links.add(link)
        if self._is_silent is not None and self._is_silent(link.client_port):
            link.flows.clear()
        try:
            await link.flows.wait()
            await self._join(link, reader, writer)
        except OSError:
            pass  # either side has gone, which the other side is told
        finally:
            link.reset()
            self._links.discard(link)

    async def _join(self, link: Link, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        far_reader, far_writer = await asyncio.open_connection(LOOPBACK, self._target)
        link.writers.append(far_writer)
        await asyncio.gather(_pump(link, reader, far_writer), _pump(link, far_reader, writer))


class Network:
    """The proxies of all stores, in a thread of their own: store -> port through which it is reached, and its own.

    A port of 0 is chosen by the system. One that shall refuse for a while had better be chosen: the system might give
    it away meanwhile.
    """

    def __init__(self, ports: dict[str, tuple[int, int]]) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="network", daemon=True)
        self._proxies = {name: Proxy(*pair) for name, pair in ports.items()}

    def __enter__(self) -> "Network":
        self._thread.start()
        for proxy in self._proxies.values():
            self._do(proxy.listen())
        return self

    def __exit__(self, *_: object) -> None:
        for proxy in self._proxies.values():
            self._do(proxy.refuse())
        self._do(_all_ended())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def port(self, store: str) -> int:
        return self._proxies[store].port

    @contextmanager
    def silent(self, store: str, pids: Iterable[int] | None = None) -> Iterator[None]:
        """No byte passes to and from the store, for these processes or for everybody."""
        self._do(self._proxies[store].fall_silent(pids))
        try:
            yield
        finally:
            self._do(self._proxies[store].flow())

    @contextmanager
    def refused(self, store: str) -> Iterator[None]:
        """Connections to the store are reset, and none can be made."""
        self._do(self._proxies[store].refuse())
        try:
            yield
        finally:
            self._do(self._proxies[store].listen())

    def _do(self, act: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(act, self._loop).result(30)


async def _pump(link: Link, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """An end is news too: it passes only while bytes do."""
    with suppress(OSError):
        while data := await reader.read(CHUNK):
            await link.flows.wait()
            writer.write(data)
            await writer.drain()
    await link.flows.wait()
    with suppress(OSError, RuntimeError):
        writer.write_eof()


async def _all_ended() -> None:
    others = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
    for task in others:
        task.cancel()
    await asyncio.gather(*others, return_exceptions=True)


def _ports_to(port: int, pids: Iterable[int]) -> set[int]:
    """The local ports from which these processes are connected to `port`."""
    found: set[int] = set()
    for pid in pids:
        with suppress(psutil.Error):
            for connection in psutil.Process(pid).net_connections(kind="tcp"):
                if connection.raddr and connection.raddr.port == port:
                    found.add(connection.laddr.port)
    return found
