"""A mail server for tests: it accepts every mail, or refuses the recipient, and keeps what it got."""

import socketserver
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Final

GREETINGS: Final = {"EHLO": b"250 test", "MAIL": b"250 ok", "RSET": b"250 ok", "NOOP": b"250 ok"}


class MailServer(socketserver.ThreadingTCPServer):
    """Listens on a free port of 127.0.0.1, and speaks as much SMTP as smtplib needs."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Conversation)
        self.mails: list[EmailMessage] = []
        self.refuses = False

    @property
    def port(self) -> int:
        return int(self.server_address[1])


class _Conversation(socketserver.StreamRequestHandler):
    server: MailServer

    def handle(self) -> None:
        self._answer(b"220 test")
        while line := self.rfile.readline():
            command = line[:4].decode().upper()
            if command == "QUIT":
                return self._answer(b"221 bye")
            if command == "RCPT":
                self._answer(b"550 no such mailbox" if self.server.refuses else b"250 ok")
            elif command == "DATA":
                self._answer(b"354 go on")
                self.server.mails.append(self._read_mail())
                self._answer(b"250 ok")
            else:
                self._answer(GREETINGS.get(command, b"502 unknown"))
        return None

    def _answer(self, line: bytes) -> None:
        self.wfile.write(line + b"\r\n")

    def _read_mail(self) -> EmailMessage:
        lines = []
        while (line := self.rfile.readline()) not in {b".\r\n", b""}:
            lines.append(line.removeprefix(b"."))
        return message_from_bytes(b"".join(lines), policy=policy.default)


@contextmanager
def mail_server() -> Iterator[MailServer]:
    with MailServer() as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        yield server
        server.shutdown()
        thread.join()
