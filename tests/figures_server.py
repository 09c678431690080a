"""A real HTTP server that tells its checks only to the holder of a token, as the web does with METRICS_TOKEN."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any


@contextmanager
def figures_server(token: str, checks: dict[str, Any]) -> Iterator[str]:
    """Serve /health/ready and yield the server's URL."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            is_holder = self.headers.get("Authorization") == f"Bearer {token}"
            body = {"status": "ok"} | ({"checks": checks} if is_holder else {})
            self.send_response(200)
            self.end_headers()
            self.wfile.write(json.dumps(body).encode())

        def log_message(self, *_: Any) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        Thread(target=server.serve_forever).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
