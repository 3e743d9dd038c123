"""The page's files over HTTP on this machine: the bundle, icons and font where Grafana's components look for them.

Owns: which paths there are. It serves nothing else.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Final

from grafana.preview.bundle import FONT, ICONS

HOST: Final = "127.0.0.1"
ICON_PATH: Final = "/public/build/img/icons/"
FONT_PATH: Final = "/public/fonts/inter/"
PAGE: Final = b"""<!doctype html><meta charset=utf-8><title>lapse boards</title>
<link rel=stylesheet href=/index.css><div id=root></div><script src=/index.js></script>"""


class _Handler(SimpleHTTPRequestHandler):
    def do_GET(self) -> None:
        if self.path != "/":
            super().do_GET()
            return
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.send_header("Content-Length", str(len(PAGE)))
        self.end_headers()
        self.wfile.write(PAGE)

    def translate_path(self, path: str) -> str:
        if path.startswith(ICON_PATH):
            folder, _, name = path.removeprefix(ICON_PATH).partition("/")
            return str(ICONS / Path(folder).name / Path(name).name)
        if path.startswith(FONT_PATH):  # one file has every weight
            return str(FONT)
        return super().translate_path(path)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 (the base class calls it so)
        """Requests are no news."""


@contextmanager
def serving(folder: Path) -> Iterator[str]:
    """Serve the bundle in `folder`; the address of the page."""
    server = ThreadingHTTPServer((HOST, 0), partial(_Handler, directory=str(folder)))
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield f"http://{HOST}:{server.server_address[1]}/"
    finally:
        server.shutdown()
        server.server_close()
