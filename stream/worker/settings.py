"""What a worker is told from outside: the cluster, the group, its slot, where it serves HTTP, librdkafka's settings.

Owns: reading and checking them, all mistakes at once. Knows no policy (business thresholds live in `core.policy`) and
opens no connection.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

BOOTSTRAP = "LAPSE_BOOTSTRAP"
GROUP = "LAPSE_GROUP"
SLOT = "LAPSE_SLOT"
SNAPSHOTS = "LAPSE_SNAPSHOTS"
TOKEN = "LAPSE_TOKEN"  # noqa: S105 (a variable's name)
ADVERTISE = "LAPSE_ADVERTISE"
SALT = "LAPSE_ERASURE_SALT"
PREFIX = "LAPSE_KAFKA_"  # LAPSE_KAFKA_SASL_USERNAME is librdkafka's sasl.username

DEFAULT_GROUP = "lapse"
PUBLIC_SALT = "lapse"  # anybody could try ids with it
SHORTEST_TOKEN: Final = 16
DEFAULT_HTTP = "127.0.0.1:9464"  # the port Prometheus exporters of applications commonly use

# what exactly-once rests on (DESIGN §8); another value would not be slower or less safe, but wrong
FIXED: Final = frozenset({
    "bootstrap.servers", "group.id", "group.instance.id", "group.protocol", "partition.assignment.strategy",
    "enable.auto.commit", "enable.auto.offset.store", "auto.offset.reset", "isolation.level", "enable.partition.eof",
    "transactional.id", "transaction.timeout.ms", "enable.idempotence", "acks", "allow.auto.create.topics",
    "partitioner",
})  # fmt: skip

_ADDRESS = re.compile(r"(\[[0-9a-fA-F:.]+\]|[^\s:,\[\]]+):(\d{1,5})")
_NAME = re.compile(r"[A-Za-z0-9._-]{1,100}")
_MOST_PORT = 65535


class SettingsError(ValueError):
    """Settings that can't be used; `errors` says all that is wrong with them, in words."""

    def __init__(self, errors: list[str]) -> None:
        """`errors` in the order in which they were found."""
        self.errors = errors
        super().__init__("\n".join(errors))


@dataclass(frozen=True, slots=True)
class Settings:
    """A worker's surroundings. `slot` None: the first that is free on this host. `http` is (host, port)."""

    bootstrap: str
    group: str = DEFAULT_GROUP
    slot: str | None = None
    http: tuple[str, int] | None = None  # None: DEFAULT_HTTP, or the next free port after it
    kafka: Mapping[str, str] = field(default_factory=dict, repr=False)  # with secrets in it
    token: str | None = field(default=None, repr=False)  # opens customer data; None: nobody sees any
    snapshots: Path | None = None  # where local snapshots of partitions are kept; None: there are none
    advertise: str | None = None  # the URL by which others reach this worker, where that isn't where it listens

    def client(self) -> dict[str, str | int | float | bool]:
        """What every librdkafka client of this worker starts from."""
        return {**self.kafka, "bootstrap.servers": self.bootstrap}


def read(environment: Mapping[str, str], bootstrap: str | None = None, http: str | None = None) -> Settings:
    """Settings from the environment; what is given here goes before it. Raises SettingsError with every mistake."""
    errors: list[str] = []
    servers = bootstrap or environment.get(BOOTSTRAP, "")
    if not servers:
        errors.append(f"no Kafka is given: say --bootstrap HOST:PORT or set {BOOTSTRAP}")
    else:
        errors += [f"bootstrap: {one!r} is no HOST:PORT" for one in servers.split(",") if address(one) is None]
    group = environment.get(GROUP, DEFAULT_GROUP)
    slot = environment.get(SLOT)
    for name, value in ((GROUP, group), (SLOT, slot)):
        if value is not None and _NAME.fullmatch(value) is None:
            errors.append(f"{name} is {value!r}: 1 to 100 letters, digits, '.', '_' and '-'")
    where = address(http) if http is not None else None
    if http is not None and where is None:
        errors.append(f"--http: {http!r} is no HOST:PORT")
    advertise = environment.get(ADVERTISE)
    if advertise is not None and address(advertise) is None:
        errors.append(f"{ADVERTISE}: {advertise!r} is no HOST:PORT")
    token = environment.get(TOKEN, "").strip()
    if token and len(token) < SHORTEST_TOKEN:
        errors.append(f"{TOKEN} has {len(token)} characters: {SHORTEST_TOKEN} at least, from a random source")
    kafka, wrong = pass_through(environment)
    errors += wrong
    if errors:
        raise SettingsError(errors)
    folder = Path(environment[SNAPSHOTS]) if environment.get(SNAPSHOTS) else None
    url = f"http://{advertise}" if advertise else None
    return Settings(servers, group, slot, where, kafka, token or None, folder, url)


def salt_is_public(environment: Mapping[str, str]) -> bool:
    """Whether anybody who reads the changelog could find out by trying who was erased."""
    return environment.get(SALT, PUBLIC_SALT) in {"", PUBLIC_SALT}


def pass_through(environment: Mapping[str, str]) -> tuple[dict[str, str], list[str]]:
    """The librdkafka settings among environment variables, and what is wrong with them.

    >>> pass_through({"LAPSE_KAFKA_SASL_USERNAME": "ops", "HOME": "/"})
    ({'sasl.username': 'ops'}, [])
    """
    found, errors = {}, []
    for variable in sorted(environment):
        if variable.startswith(PREFIX):
            name = variable.removeprefix(PREFIX).lower().replace("_", ".")
            if name in FIXED:
                errors.append(f"{variable}: {name} is set by lapse, exactly-once rests on it")
            else:
                found[name] = environment[variable]
    return found, errors


def address(text: str) -> tuple[str, int] | None:
    """Host and port, or None. Port 0 is any free one.

    >>> address("[::1]:9092"), address("kafka")
    (('::1', 9092), None)
    """
    match = _ADDRESS.fullmatch(text.strip())
    if match is None or int(match[2]) > _MOST_PORT:
        return None
    return match[1].strip("[]"), int(match[2])
