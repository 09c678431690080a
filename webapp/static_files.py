"""Reads a static file before it is sent, so that a slow reader holds its few kilobytes and no file descriptor.

The limits of connections count one descriptor for each, and the limit of held bytes counts what is not sent yet.
"""

from flask import Flask, Response


def register(app: Flask) -> None:
    """Install the reading of files."""
    app.after_request(_read_file)


def _read_file(response: Response) -> Response:
    if response.direct_passthrough and response.status_code in {200, 206}:
        file = response.response
        response.direct_passthrough = False
        response.set_data(b"".join(file))  # type: ignore[arg-type]  # a file yields bytes
        if callable(close := getattr(file, "close", None)):
            close()
    return response
