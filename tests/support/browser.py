"""A real Chromium, driven over its DevTools protocol: no driver program, no library but aiohttp.

Owns: starting it, one tab at a time, and what went wrong in the tab (errors, refused scripts). Knows no page.
LAPSE_CHROMIUM names the program where it isn't `chromium`.
"""

from __future__ import annotations

import asyncio
import base64
import itertools
import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import aiohttp

PATIENCE_SECONDS = 30.0
FLAGS = (
    "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run", "--hide-scrollbars",
    "--disable-extensions", "--disable-background-networking", "--disable-sync", "--mute-audio", "--lang=en-GB",
    "--force-device-scale-factor=1", "--remote-debugging-port=0", "--remote-allow-origins=*",
)  # fmt: skip


def program() -> str | None:
    """Chromium's path, None where there is none."""
    names = [os.environ.get("LAPSE_CHROMIUM", ""), "chromium", "chromium-browser", "google-chrome"]
    return next((found for name in names if name and (found := shutil.which(name))), None)


class BrowserError(RuntimeError):
    """The browser said no."""


class Tab:
    """One page, looked at as a person with such a screen would."""

    def __init__(self, run: Callable[[Awaitable[Any]], Any], socket: aiohttp.ClientWebSocketResponse) -> None:
        self._run = run
        self._socket = socket
        self._numbers = itertools.count(1)
        self._session = ""
        self.wrong: list[str] = []  # exceptions, errors on the console, what the security policy refused

    async def _send(self, method: str, **parameters: Any) -> dict[str, Any]:
        number = next(self._numbers)
        message = {"id": number, "method": method, "params": parameters}
        await self._socket.send_json(message | ({"sessionId": self._session} if self._session else {}))
        while True:
            answer = await self._socket.receive_json(timeout=PATIENCE_SECONDS)
            if answer.get("id") == number:
                if "error" in answer:
                    raise BrowserError(f"{method}: {answer['error']['message']}")
                return dict(answer["result"])
            self._note(answer)

    def _note(self, event: dict[str, Any]) -> None:
        content = event.get("params", {})
        match event.get("method"):
            case "Runtime.exceptionThrown":
                details = content["exceptionDetails"]
                self.wrong.append(str(details.get("exception", {}).get("description", details["text"])))
            case "Runtime.consoleAPICalled" if content["type"] == "error":
                self.wrong.append(" ".join(str(one.get("value", "")) for one in content["args"]))
            case "Log.entryAdded" if content["entry"]["level"] == "error":
                self.wrong.append(f"{content['entry']['text']} {content['entry'].get('url', '')}")

    def send(self, method: str, **parameters: Any) -> dict[str, Any]:
        """One call of the protocol."""
        return dict(self._run(self._send(method, **parameters)))

    async def attach(self) -> None:
        """Make the tab in a profile of its own, and listen."""
        context = await self._send("Target.createBrowserContext")
        made = await self._send("Target.createTarget", url="about:blank", browserContextId=context["browserContextId"])
        attached = await self._send("Target.attachToTarget", targetId=made["targetId"], flatten=True)
        self._session = str(attached["sessionId"])
        for domain in ("Page", "Runtime", "Log", "Network", "Accessibility"):
            await self._send(f"{domain}.enable")

    def screen(self, width: int, height: int, *, dark: bool = False, phone: bool = False, scale: float = 1) -> None:
        """What the reader's screen is like."""
        size = {"width": width, "height": height, "deviceScaleFactor": scale}
        self.send("Emulation.setDeviceMetricsOverride", **size, mobile=phone)
        features = [{"name": "prefers-color-scheme", "value": "dark" if dark else "light"}]
        self.send("Emulation.setEmulatedMedia", features=features)

    def open(self, url: str) -> None:
        """Go there; returns when the document has begun."""
        self.send("Page.navigate", url=url)

    def js(self, expression: str) -> Any:
        """What an expression is, awaited if it is a promise."""
        found = self.send("Runtime.evaluate", expression=expression, awaitPromise=True, returnByValue=True)
        if "exceptionDetails" in found:
            raise BrowserError(str(found["exceptionDetails"].get("exception", {}).get("description", "failed")))
        return found["result"].get("value")

    def wait(self, condition: str, seconds: float = PATIENCE_SECONDS) -> None:
        """Return when a condition holds, looked at on every frame in the page itself."""
        script = f"""new Promise((done) => {{
          const end = performance.now() + {seconds * 1000};
          const look = () => {{
            let holds = false;
            try {{ holds = Boolean({condition}); }} catch {{ /* not there yet */ }}
            if (holds || performance.now() > end) done(holds); else setTimeout(look, 10);
          }};
          look();
        }})"""
        for _ in range(3):  # the page may go elsewhere meanwhile
            try:
                holds = self.js(script)
            except BrowserError as error:
                if "navigated" not in str(error):
                    raise
                continue
            if holds is not True:
                raise BrowserError(f"not within {seconds} s: {condition}\n{self.js('document.body.innerText')[:2000]}")
            return
        raise BrowserError(f"the page goes round and round: {condition}")

    def key(self, name: str, code: int, modifiers: int = 0) -> None:
        """Press and release a key."""
        text = {"Enter": "\r", " ": " "}.get(name)
        down = {"text": text} if text else {}
        for kind, extra in (("keyDown", down), ("keyUp", {})):
            self.send(
                "Input.dispatchKeyEvent", type=kind, key=name, windowsVirtualKeyCode=code, modifiers=modifiers, **extra
            )

    def picture(self, path: Path, *, whole: bool = False) -> None:
        """A PNG of the screen, or of the whole page."""
        clip = self._clip(whole=whole)
        found = self.send("Page.captureScreenshot", format="png", captureBeyondViewport=whole, **clip)
        path.write_bytes(base64.b64decode(found["data"]))

    def _clip(self, *, whole: bool) -> dict[str, Any]:
        if not whole:
            return {}
        size = self.send("Page.getLayoutMetrics")["cssContentSize"]
        return {"clip": {"x": 0, "y": 0, "width": size["width"], "height": size["height"], "scale": 1}}


@contextmanager
def chromium() -> Iterator[Callable[[], Tab]]:
    """Run it; what is given makes new tabs, each with a profile of its own."""
    binary = program()
    assert binary is not None
    with tempfile.TemporaryDirectory(prefix="lapse-chromium-", ignore_cleanup_errors=True) as folder:
        words = [binary, *FLAGS, f"--user-data-dir={folder}", "about:blank"]
        loop = asyncio.new_event_loop()
        with subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True) as process:
            try:
                assert process.stderr is not None
                found = (re.search(r"DevTools listening on (ws://\S+)", line) for line in process.stderr)
                address = next((match[1] for match in found if match), None)
                assert address is not None, "Chromium did not start"
                session = loop.run_until_complete(_session())
                try:
                    yield lambda: loop.run_until_complete(_tab(session, address, loop.run_until_complete))
                finally:
                    loop.run_until_complete(session.close())
            finally:
                process.kill()
                process.communicate()
                loop.close()


async def _session() -> aiohttp.ClientSession:
    return aiohttp.ClientSession()


async def _tab(session: aiohttp.ClientSession, address: str, run: Callable[[Awaitable[Any]], Any]) -> Tab:
    socket = await session.ws_connect(address, max_msg_size=0)
    tab = Tab(run, socket)
    await tab.attach()
    return tab
