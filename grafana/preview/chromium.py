"""A headless Chromium, spoken to over a pipe in its own protocol: open a page, ask it something, take its picture.

Owns: the browser process. It knows nothing of boards.
"""

from __future__ import annotations

import base64
import json
import os
import select
import shutil
import subprocess
import tempfile
import time
from typing import Any, Final, Self

from grafana.preview.bundle import PreviewError

NAMES: Final = ("chromium", "chromium-browser", "google-chrome")
ANSWER_SECONDS: Final = 60.0
END_SECONDS: Final = 10.0
POLL_SECONDS: Final = 0.1
_READ_BYTES: Final = 1 << 20


class Chromium:
    """One browser with one tab; a context manager that leaves nothing behind."""

    def __init__(self) -> None:
        binary = os.environ.get("LAPSE_CHROMIUM") or next(filter(None, map(shutil.which, NAMES)), None)
        if binary is None:
            raise PreviewError("chromium is missing; on Debian: apt-get install chromium")
        self._binary = binary
        self._calls = 0
        self._unread = b""
        self._session: str | None = None

    def __enter__(self) -> Self:
        self._profile = tempfile.TemporaryDirectory(prefix="lapse-chromium-", ignore_cleanup_errors=True)
        theirs_in, self._out = os.pipe()
        self._in, theirs_out = os.pipe()
        options = [
            "--headless=new", "--remote-debugging-pipe", "--no-sandbox", "--disable-gpu", "--hide-scrollbars",
            "--disable-dev-shm-usage", "--no-first-run", "--force-color-profile=srgb",
            f"--user-data-dir={self._profile.name}",
        ]  # fmt: skip
        # Chromium reads from descriptor 3 and writes to 4, whatever ours are called
        script = f'exec "$0" "$@" 3<&{theirs_in} 4>&{theirs_out}'
        self._process = subprocess.Popen(
            ["/bin/sh", "-c", script, self._binary, *options],
            pass_fds=(theirs_in, theirs_out), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        os.close(theirs_in)
        os.close(theirs_out)
        try:
            target = self._call("Target.createTarget", {"url": "about:blank"})["targetId"]
            attached = self._call("Target.attachToTarget", {"targetId": target, "flatten": True})
            self._session = attached["sessionId"]
            self._call("Page.enable")
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        """End the browser and forget its profile."""
        os.close(self._out)
        os.close(self._in)
        self._process.terminate()
        try:
            self._process.wait(END_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._profile.cleanup()

    def open(self, url: str, width: int, before: str) -> None:
        """Open a page `width` pixels wide; the script `before` runs first in it."""
        self._size(width, 800)
        script = self._call("Page.addScriptToEvaluateOnNewDocument", {"source": before})["identifier"]
        self._call("Page.navigate", {"url": url})
        self._call("Page.removeScriptToEvaluateOnNewDocument", {"identifier": script})

    def value(self, expression: str, seconds: float) -> Any:
        """The expression's value, as soon as it has one. Raises PreviewError when that takes more than `seconds`."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            answer = self._call("Runtime.evaluate", {"expression": expression, "returnByValue": True})
            if answer["result"].get("value") is not None:
                return answer["result"]["value"]
            time.sleep(POLL_SECONDS)
        raise PreviewError(f"the page had no {expression} within {seconds:.0f} s")

    def picture(self, width: int) -> bytes:
        """The whole page as PNG."""
        height = self.value("document.documentElement.scrollHeight", ANSWER_SECONDS)
        self._size(width, height)
        shot = self._call("Page.captureScreenshot", {"format": "png", "captureBeyondViewport": True})
        return base64.b64decode(shot["data"])

    def _size(self, width: int, height: int) -> None:
        size = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": False}
        self._call("Emulation.setDeviceMetricsOverride", size)

    def _call(self, method: str, params: dict[str, Any] | None = None) -> dict[str, Any]:
        self._calls += 1
        message: dict[str, Any] = {"id": self._calls, "method": method, "params": params or {}}
        if self._session is not None:
            message["sessionId"] = self._session
        rest = json.dumps(message).encode() + b"\0"
        while rest:
            rest = rest[os.write(self._out, rest) :]
        deadline = time.monotonic() + ANSWER_SECONDS
        while True:
            answer = self._next(method, deadline)
            if answer.get("id") != self._calls:
                continue  # an event, nobody asked
            if "error" in answer:
                raise PreviewError(f"chromium refused {method}: {answer['error']['message']}")
            result: dict[str, Any] = answer["result"]
            return result

    def _next(self, method: str, deadline: float) -> dict[str, Any]:
        while b"\0" not in self._unread:
            ready, _, _ = select.select([self._in], [], [], max(0.0, deadline - time.monotonic()))
            some = os.read(self._in, _READ_BYTES) if ready else b""
            if not some:
                raise PreviewError(f"chromium {'ended' if ready else 'said nothing'} when asked for {method}")
            self._unread += some
        first, _, self._unread = self._unread.partition(b"\0")
        answer: dict[str, Any] = json.loads(first)
        return answer
