"""The dead man's switch: cries once when the heartbeat stops, says when it is back, and insists until it was told."""

from __future__ import annotations

import socketserver
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from stream.tools.broker import free_port
from stream.tools.deadman import Switch
from tests.support.waiting import until
from tests.support.web import status


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def test_it_cries_once_and_says_when_it_is_over() -> None:
    clock, told = Clock(), list[str]()
    switch = Switch(lambda subject, _: told.append(subject), patience_seconds=300, now=clock)
    for clock.now in (0, 150, 299):
        switch.look()
    assert told == []
    for clock.now in (301, 310, 900):
        switch.look()
    assert told == ["PAGE: the alarm itself is silent"]
    switch.beat()
    for clock.now in (901, 950):
        switch.look()
    assert told == ["PAGE: the alarm itself is silent", "Over: the alarm works again"]


def test_what_could_not_be_told_is_told_later() -> None:
    clock, tries = Clock(), list[str]()

    def tell(subject: str, _: str) -> None:
        tries.append(subject)
        if len(tries) < 3:
            raise ConnectionRefusedError

    switch = Switch(tell, patience_seconds=300, now=clock)
    for clock.now in (301, 302, 303, 304):
        switch.look()
    assert len(tries) == 3


@contextmanager
def mailbox() -> Iterator[tuple[int, list[str]]]:
    """A mail server as far as smtplib asks for one; its port, and what it was given."""
    taken: list[str] = []

    class Handler(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            self.wfile.write(b"220 here\r\n")
            while line := self.rfile.readline():
                if line.upper().startswith(b"DATA"):
                    self.wfile.write(b"354 go on\r\n")
                    lines = list(iter(self.rfile.readline, b".\r\n"))
                    taken.append(b"".join(lines).decode())
                self.wfile.write(b"221 bye\r\n" if line.upper().startswith(b"QUIT") else b"250 fine\r\n")

    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler) as server:
        server.daemon_threads = True
        threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
        yield server.server_address[1], taken
        server.shutdown()


def test_as_it_runs() -> None:
    port = free_port()
    url = f"http://127.0.0.1:{port}/"
    with mailbox() as (smtp, taken):
        words = ["--listen", f"127.0.0.1:{port}", "--smtp", f"127.0.0.1:{smtp}", "--to", "you@example.org"]
        command = [sys.executable, "-m", "stream.tools.deadman", *words, "--patience", "3"]
        process = subprocess.Popen(command, stderr=subprocess.DEVNULL)
        try:
            until(lambda: status(f"{url}healthz"), "it does not listen")
            assert status(url, body=b'{"alerts":[]}') == 200
            assert status(f"{url}healthz") == 200
            until(lambda: len(taken) == 1, "nobody was told")
            assert status(f"{url}healthz") == 503
            assert "Subject: PAGE: the alarm itself is silent" in taken[0]
            assert "To: you@example.org" in taken[0]
            status(url, body=b"{}")
            until(lambda: len(taken) == 2, "nobody was told that it is over")
            assert "Subject: Over: the alarm works again" in taken[1]
        finally:
            process.kill()
            process.wait()


def test_a_wrong_address_is_told_in_words() -> None:
    command = [sys.executable, "-m", "stream.tools.deadman", "--smtp", "mail", "--to", "you@example.org"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "HOST:PORT" in done.stderr
    assert "Traceback" not in done.stderr
