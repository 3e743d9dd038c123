"""A dead man's switch: hears Alertmanager's heartbeat (the alert `Watchdog`), and cries when it stops coming.

Owns: when the heartbeat counts as gone, and the mail that says so, once, and once more when it is back. It shares
nothing with what it watches over, and belongs on another machine; a service of another house does the same.
Run it: python -m stream.tools.deadman --smtp mail:1025 --to oncall@example.org
"""

from __future__ import annotations

import argparse
import logging
import smtplib
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from email.message import EmailMessage
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Final

from stream.worker.settings import address

PATIENCE_SECONDS: Final = 300.0  # it comes every minute
LOOK_SECONDS: Final = 1.0
MAIL_SECONDS: Final = 10.0
MOST_BYTES: Final = 1 << 20

_log = logging.getLogger("lapse.deadman")


@dataclass(slots=True)
class Switch:
    """Whether the heartbeat is there; `tell` is given a subject and a text, and may raise OSError."""

    tell: Callable[[str, str], None]
    patience_seconds: float = PATIENCE_SECONDS
    now: Callable[[], float] = time.monotonic
    heard: float = field(init=False)
    cried: bool = False

    def __post_init__(self) -> None:
        """Begin as if it had just been heard: the others need a moment as well."""
        self.heard = self.now()

    @property
    def alive(self) -> bool:
        """Whether it was heard lately."""
        return self.now() - self.heard <= self.patience_seconds

    def beat(self) -> None:
        """It was heard."""
        self.heard = self.now()

    def look(self) -> None:
        """Cry if it is gone and that was not said yet; say that it is back. What could not be told is tried again."""
        if self.alive == (not self.cried):
            return
        minutes = f"{self.patience_seconds / 60:.0f} minutes"
        if self.cried:
            subject, text = "Over: the alarm works again", "Alertmanager's heartbeat is back."
        else:
            subject = "PAGE: the alarm itself is silent"
            text = (
                f"No heartbeat of Alertmanager for {minutes}: Prometheus, Alertmanager or the way from them is down, "
                "and nobody would be told of anything. What to do: docs/runbook.md#watchdog"
            )
        try:
            self.tell(subject, text)
        except OSError as error:
            _log.error("%s; could not be mailed: %s", subject, error)
            return
        _log.warning("%s", subject)
        self.cried = not self.cried


def serve(switch: Switch, where: tuple[str, int]) -> ThreadingHTTPServer:
    """Hear heartbeats (POST), and say at /healthz whether they come. Not started yet."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(min(int(self.headers.get("Content-Length") or 0), MOST_BYTES))
            switch.beat()
            self._answer(200, b"heard\n")

        def do_GET(self) -> None:
            self._answer(*((200, b"ok\n") if switch.alive else (503, b"no heartbeat\n")))

        def _answer(self, status: int, body: bytes) -> None:
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 (the base class calls it so)
            """A heartbeat is no news."""

    return ThreadingHTTPServer(where, Handler)


def mail(host: str, port: int, to: str) -> Callable[[str, str], None]:
    """Return what sends one mail. It raises OSError where that fails."""

    def send(subject: str, text: str) -> None:
        message = EmailMessage()
        message["Subject"], message["From"], message["To"] = subject, "lapse-deadman@example.org", to
        message.set_content(text)
        with smtplib.SMTP(host, port, timeout=MAIL_SECONDS) as server:
            server.send_message(message)

    return send


def main() -> int:
    """Run until killed."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s", stream=sys.stderr)
    parser = argparse.ArgumentParser(prog="python -m stream.tools.deadman", description=__doc__)
    parser.add_argument("--listen", default="127.0.0.1:9475", metavar="HOST:PORT", help="(default: %(default)s)")
    parser.add_argument("--smtp", required=True, metavar="HOST:PORT", help="the mail server")
    parser.add_argument("--to", required=True, metavar="ADDRESS", help="who is told")
    parser.add_argument("--patience", type=float, default=PATIENCE_SECONDS, metavar="S", help="(default: %(default)s)")
    given = parser.parse_args()
    where, smtp = address(given.listen), address(given.smtp)
    if where is None or smtp is None:
        parser.error("--listen and --smtp are HOST:PORT")
    switch = Switch(mail(*smtp, given.to), given.patience)
    server = serve(switch, where)
    threading.Thread(target=server.serve_forever, name="http", daemon=True).start()
    while True:
        switch.look()
        time.sleep(LOOK_SECONDS)


if __name__ == "__main__":
    raise SystemExit(main())
