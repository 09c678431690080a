"""A server that speaks OpenAI's chat completions and answers at once. It runs as `python -m bench.model_service`.

It prints its address and runs until its standard input is closed.
"""

import json
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Final

from agents.catalogue import CATALOGUE
from agents.scripted.samples import sample

AGENT: Final = CATALOGUE.named("action_plan")
ANSWER: Final = json.dumps(sample(AGENT.output, "a thought"))
PIECE_LENGTH: Final = 8
"""Characters of one event of a stream: about two tokens."""

EVENTS: Final = -(-len(ANSWER) // PIECE_LENGTH) + 2
"""The events of a stream: the pieces, the reason why it finished, and the usage."""

USAGE: Final = {"prompt_tokens": 1000, "completion_tokens": 200, "total_tokens": 1200}


class Service(BaseHTTPRequestHandler):
    """Answers every request with the same output."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def do_POST(self) -> None:
        request = json.loads(self.rfile.read(int(self.headers["content-length"])))
        body = b"".join(_stream()) if request.get("stream") else _whole()
        kind = "text/event-stream" if request.get("stream") else "application/json"
        self.send_response(200)
        self.send_header("content-type", kind)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        """Write no log."""


def _whole() -> bytes:
    message = {"role": "assistant", "content": ANSWER}
    choice = {"index": 0, "message": message, "finish_reason": "stop"}
    return json.dumps(_envelope("chat.completion", [choice]) | {"usage": USAGE}).encode()


def _stream() -> Iterator[bytes]:
    for start in range(0, len(ANSWER), PIECE_LENGTH):
        yield _event(_envelope("chat.completion.chunk", [_choice(ANSWER[start : start + PIECE_LENGTH], None)]))
    yield _event(_envelope("chat.completion.chunk", [_choice("", "stop")]))
    yield _event(_envelope("chat.completion.chunk", []) | {"usage": USAGE})
    yield b"data: [DONE]\n\n"


def _choice(text: str, finish_reason: str | None) -> dict[str, Any]:
    return {"index": 0, "delta": {"content": text}, "finish_reason": finish_reason}


def _envelope(kind: str, choices: list[Any]) -> dict[str, Any]:
    return {"id": "an-id", "object": kind, "created": 1, "model": "a-model", "choices": choices}


def _event(value: Any) -> bytes:
    return f"data: {json.dumps(value)}\n\n".encode()


class Server(ThreadingHTTPServer):
    """Accepts a burst of connections at once."""

    request_queue_size = 256
    daemon_threads = True


def _serve() -> None:
    server = Server(("127.0.0.1", 0), Service)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    print(f"http://127.0.0.1:{server.server_port}/v1", flush=True)
    sys.stdin.read()


if __name__ == "__main__":
    _serve()
