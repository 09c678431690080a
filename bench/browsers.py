"""Reads `GET /thoughts/stream/<user_id>`, records when each event arrived, and posts thoughts."""

import asyncio
import http.client
import json
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from urllib.parse import urlsplit
from uuid import UUID

from contracts.events import PROGRESS_TYPE

Fact = tuple[str, int]
"""A thought's id and the number of the saved step; 0 stands for the completed thought."""

TIMEOUT_SECONDS = 30.0


class Browsers:
    """Reads all streams in one event loop of one thread, so that reading adds little to the measured delay."""

    def __init__(self, web_url: str) -> None:
        self._address = urlsplit(web_url)
        self.arrivals: dict[Fact, float] = {}
        """The first arrival of each fact, in seconds since the epoch."""
        self.partial_texts = 0
        """How many partial texts arrived at all streams together."""

    async def open(self, user_id: UUID) -> asyncio.Task[None]:
        """Open one stream and wait for its first event; return the task that reads it.

        The request is HTTP/1.0, so that the body is not chunked. Raises SystemExit when the stream is rejected.
        """
        reader, writer = await asyncio.open_connection(self._address.hostname, self._address.port)
        request = f"GET /thoughts/stream/{user_id} HTTP/1.0\r\nHost: {self._address.netloc}\r\n\r\n"
        writer.write(request.encode())
        response = await asyncio.wait_for(reader.readuntil(b"connected"), TIMEOUT_SECONDS)
        if b" 200 " not in response.partition(b"\r\n")[0]:
            raise SystemExit(f"The stream was rejected: {response[:100]!r}")
        return asyncio.create_task(self._read(reader, writer))

    async def _read(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            async for line in reader:
                if line.startswith(b"data:"):
                    self._record(line[5:], time.time())
        finally:
            writer.close()

    def _record(self, data: bytes, now: float) -> None:
        event = json.loads(data)
        if event.get("event_type") == PROGRESS_TYPE:
            self.partial_texts += 1
        elif "agent_number" in event:
            self.arrivals.setdefault((event["thought_id"], event["agent_number"]), now)
        elif "processing_time_seconds" in event:
            self.arrivals.setdefault((event["thought_id"], 0), now)

    def post(self, users: Sequence[UUID], text: str) -> list[str]:
        """Post one thought for each user over one connection; return the ids of the thoughts."""
        with self._connection() as connection:
            return [self._post(connection, user, text) for user in users]

    @contextmanager
    def _connection(self) -> Iterator[http.client.HTTPConnection]:
        connection = http.client.HTTPConnection(
            str(self._address.hostname), self._address.port, timeout=TIMEOUT_SECONDS
        )
        try:
            yield connection
        finally:
            connection.close()

    def _post(self, connection: http.client.HTTPConnection, user: UUID, text: str) -> str:
        body = json.dumps({"text": text, "user_id": str(user)})
        connection.request("POST", "/thoughts", body, {"Content-Type": "application/json"})
        response = connection.getresponse()
        content = response.read()
        if response.status != http.client.CREATED:
            raise SystemExit(f"A thought was rejected with status {response.status}: {content[:200]!r}")
        return str(json.loads(content)["id"])
