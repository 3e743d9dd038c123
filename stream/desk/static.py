"""The page's files, served as they are in the package: no build step, nothing from elsewhere.

Owns: which file is at which path, and the headers that keep the page from running or loading anything but itself.
"""

from __future__ import annotations

import hashlib
from collections.abc import Awaitable, Callable
from functools import cache
from importlib import resources
from typing import Final

from aiohttp import web

KINDS: Final = {".html": "text/html", ".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml"}
VIEWS: Final = ("/", "/policy", "/customers/{customer_id:.+}")  # one document, which looks at its own address

SECURITY: Final = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
}


@cache
def files() -> dict[str, bytes]:
    """Every file of the page by its name."""
    folder = resources.files("stream.desk").joinpath("page")
    return {one.name: one.read_bytes() for one in folder.iterdir() if one.name[one.name.rfind(".") :] in KINDS}


def routes() -> list[web.RouteDef]:
    """The document at each of its addresses, its style and scripts below /page/."""
    made = [web.get(path, _serve("index.html")) for path in VIEWS]
    return made + [web.get(f"/page/{name}", _serve(name)) for name in files() if name != "index.html"]


def _serve(name: str) -> Callable[[web.Request], Awaitable[web.Response]]:
    body = files()[name]
    tag = f'"{hashlib.sha256(body).hexdigest()[:16]}"'
    kind = KINDS[name[name.rfind(".") :]]
    headers = {**SECURITY, "ETag": tag, "Cache-Control": "no-cache", "Content-Type": f"{kind}; charset=utf-8"}

    async def serve(request: web.Request) -> web.Response:
        if request.headers.get("If-None-Match") == tag:
            return web.Response(status=304, headers={"ETag": tag})
        response = web.Response(body=body, headers=headers)
        response.enable_compression()
        return response

    return serve
