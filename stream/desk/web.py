"""The desk's HTTP server: `/metrics`, `/healthz`, `/readyz`, and whatever page and API bring.

Owns: listening, and what is said of the desk itself. Aggregates only; customer data is the API's, which asks for the
token. Faust's own web server is not used: it would show every table to everybody.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from aiohttp import web
from prometheus_client import CollectorRegistry
from prometheus_client.exposition import choose_encoder

LONGEST_BODY: int = 64 << 10
CLOSE_SECONDS: float = 1.0  # page and its streams are told to come again


class Site:
    """The server."""

    def __init__(
        self,
        where: tuple[str, int],
        registry: CollectorRegistry,
        healthy: Callable[[], str],
        ready: Callable[[], str],
        routes: Iterable[web.AbstractRouteDef],
    ) -> None:
        """`healthy` and `ready` say what is wrong, nothing when all is well."""
        self._where = where
        app = web.Application(client_max_size=LONGEST_BODY)
        app.router.add_get("/metrics", lambda request: _metrics(request, registry))
        app.router.add_get("/healthz", lambda _: _says(healthy()))
        app.router.add_get("/readyz", lambda _: _says(ready()))
        app.add_routes(routes)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=CLOSE_SECONDS)

    async def start(self) -> str:
        """Listen, and return where. Raises OSError when somebody else does."""
        await self._runner.setup()
        host, port = self._where
        await web.TCPSite(self._runner, host, port).start()
        bound = self._runner.addresses[0][1]
        return f"http://{host if ':' not in host else f'[{host}]'}:{bound}"

    async def stop(self) -> None:
        """Stop listening."""
        await self._runner.cleanup()


async def _metrics(request: web.Request, registry: CollectorRegistry) -> web.Response:
    encode, kind = choose_encoder(request.headers.get("Accept", ""))
    return web.Response(body=encode(registry), headers={"Content-Type": kind})


async def _says(problem: str) -> web.Response:
    return web.Response(text=f"{problem or 'ok'}\n", status=503 if problem else 200)
