"""What the desk is told from outside: the cluster, its group, routes, where it serves HTTP, and its secrets.

Owns: reading and checking them, all mistakes at once, and what of librdkafka's settings means what to aiokafka. Opens
no connection. A secret is never part of a message.
"""

from __future__ import annotations

import base64
import binascii
import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final

from stream.core.policy import Policy
from stream.desk.routes import SECRET_ENV, Route, RoutesError, parse, url_problem

GROUP: Final = "LAPSE_DESK_GROUP"
ROUTES: Final = "LAPSE_DESK_ROUTES"
TOKEN: Final = "LAPSE_TOKEN"  # noqa: S105 (a variable's name)
DEFAULT_GROUP: Final = "lapse-desk"
DEFAULT_HTTP: Final = "127.0.0.1:9474"
SHORTEST_TOKEN: Final = 16
_SECRET_BYTES: Final = range(24, 65)  # what Standard Webhooks asks for
_PREFIX: Final = "whsec_"


class SettingsError(ValueError):
    """Settings that can't be used; `errors` says all that is wrong with them."""

    def __init__(self, errors: list[str]) -> None:
        """`errors` in the order in which they were found."""
        self.errors = errors
        super().__init__("\n".join(errors))


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """A desk's surroundings. `http` is (host, port), port 0 any free one; `kafka` are librdkafka's settings."""

    bootstrap: str
    policy: Policy
    policy_text: str = ""  # its TOML, for people
    http: tuple[str, int]
    group: str = DEFAULT_GROUP
    kafka: Mapping[str, str] = field(default_factory=dict, repr=False)
    routes: tuple[Route, ...] = ()
    secrets: Mapping[str, bytes] = field(default_factory=dict, repr=False)  # by route
    token: str | None = field(default=None, repr=False)


def read_routes(text: str, policy: Policy, environment: Mapping[str, str]) -> tuple[Route, ...]:
    """The routes of a file, their addresses filled in. Raises SettingsError with every mistake."""
    try:
        routes = parse(text, policy)
    except RoutesError as error:
        raise SettingsError(error.errors) from None
    errors: list[str] = []
    found = []
    for route in routes:
        if route.url_env is None:
            found.append(route)
            continue
        url = environment.get(route.url_env, "")
        problem = url_problem(url) if url else "is not set"
        if problem:
            errors.append(f"{route.url_env} (the address of route {route.name}) {problem}")
        found.append(replace(route, url=url))
    if errors:
        raise SettingsError(errors)
    return tuple(found)


def read_secrets(routes: tuple[Route, ...], environment: Mapping[str, str]) -> dict[str, bytes]:
    """The signing key of each route that has one. Raises SettingsError with every mistake."""
    found: dict[str, bytes] = {}
    errors: list[str] = []
    for route in routes:
        variable = route.secret_env or SECRET_ENV
        text = environment.get(variable, "")
        if text:
            key = _key(text)
            if key is None:
                errors.append(f"{variable} must be 'whsec_' and the base64 of 24 to 64 random bytes")
            else:
                found[route.name] = key
        elif route.secret_env is not None:
            errors.append(f"{variable} (the secret of route {route.name}) is not set")
    if errors:
        raise SettingsError(list(dict.fromkeys(errors)))
    return found


def read_token(environment: Mapping[str, str]) -> str | None:
    """The token that opens customer data. Raises SettingsError when it could be guessed."""
    token = environment.get(TOKEN, "").strip()
    if token and len(token) < SHORTEST_TOKEN:
        raise SettingsError([f"{TOKEN} has {len(token)} characters: {SHORTEST_TOKEN} at least, from a random source"])
    return token or None


def _key(text: str) -> bytes | None:
    try:
        key = base64.b64decode(text.removeprefix(_PREFIX), validate=True)
    except (binascii.Error, ValueError):
        return None
    return key if text.startswith(_PREFIX) and len(key) in _SECRET_BYTES else None


def for_aiokafka(bootstrap: str, kafka: Mapping[str, str]) -> dict[str, Any]:
    """What every aiokafka client starts from; settings that only librdkafka has are left out.

    >>> for_aiokafka("a:1", {"debug": "all"})
    {'bootstrap_servers': 'a:1', 'security_protocol': 'PLAINTEXT'}
    """
    protocol = kafka.get("security.protocol", "plaintext").upper()
    found: dict[str, Any] = {"bootstrap_servers": bootstrap, "security_protocol": protocol}
    if protocol.startswith("SASL"):
        found["sasl_mechanism"] = kafka.get("sasl.mechanism") or kafka.get("sasl.mechanisms", "PLAIN")
        found["sasl_plain_username"] = kafka.get("sasl.username")
        found["sasl_plain_password"] = kafka.get("sasl.password")
    if protocol.endswith("SSL"):
        found["ssl_context"] = _context(kafka)
    return found


def _context(kafka: Mapping[str, str]) -> ssl.SSLContext:
    context = ssl.create_default_context(cafile=kafka.get("ssl.ca.location"))
    if "ssl.certificate.location" in kafka:
        context.load_cert_chain(
            kafka["ssl.certificate.location"], kafka.get("ssl.key.location"), kafka.get("ssl.key.password")
        )
    if kafka.get("ssl.endpoint.identification.algorithm") == "none":
        context.check_hostname = False
    return context
