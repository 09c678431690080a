"""Readers of `GET /thoughts/stream/<user_id>` that note when each event arrived, and the POSTs beside them."""

import asyncio
import http.client
import json
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from urllib.parse import urlsplit
from uuid import UUID

Fact = tuple[str, int]
"""A thought's id and which of its steps was saved; 0 is the thought's own end."""

OPEN_SECONDS = 30.0


class Browsers:
    """All streams in one thread of one event loop, so that a reader adds little to the delay that it measures."""

    def __init__(self, web_url: str) -> None:
        self._address = urlsplit(web_url)
        self.arrived: dict[Fact, float] = {}
        """Seconds since the epoch of each fact's first arrival."""

    async def open(self, user_id: UUID) -> asyncio.Task[None]:
        """Connect one stream; returns once the first bytes are there. HTTP/1.0, so that the body comes in no chunks."""
        reader, writer = await asyncio.open_connection(self._address.hostname, self._address.port)
        head = f"GET /thoughts/stream/{user_id} HTTP/1.0\r\nHost: {self._address.netloc}\r\n\r\n"
        writer.write(head.encode())
        status = await asyncio.wait_for(reader.readuntil(b"connected"), OPEN_SECONDS)
        if b" 200 " not in status.partition(b"\r\n")[0]:
            raise SystemExit(f"The stream was refused: {status[:100]!r}")
        return asyncio.create_task(self._read(reader, writer))

    async def _read(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            async for line in reader:
                if line.startswith(b"data:"):
                    self._note(line[5:], time.time())
        finally:
            writer.close()

    def _note(self, data: bytes, now: float) -> None:
        event = json.loads(data)
        if "agent_number" in event:
            self.arrived.setdefault((event["thought_id"], event["agent_number"]), now)
        elif "processing_time_seconds" in event:
            self.arrived.setdefault((event["thought_id"], 0), now)

    def post(self, users: Sequence[UUID], text: str) -> list[str]:
        """One thought of each user, one after the other over one connection; the ids."""
        with self._connection() as connection:
            return [self._post(connection, user, text) for user in users]

    @contextmanager
    def _connection(self) -> Iterator[http.client.HTTPConnection]:
        connection = http.client.HTTPConnection(str(self._address.hostname), self._address.port, timeout=OPEN_SECONDS)
        try:
            yield connection
        finally:
            connection.close()

    def _post(self, connection: http.client.HTTPConnection, user: UUID, text: str) -> str:
        body = json.dumps({"text": text, "user_id": str(user)})
        connection.request("POST", "/thoughts", body, {"Content-Type": "application/json"})
        answer = connection.getresponse()
        content = answer.read()
        if answer.status != http.client.CREATED:
            raise SystemExit(f"A thought was refused with {answer.status}: {content[:200]!r}")
        return str(json.loads(content)["id"])
