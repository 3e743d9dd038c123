"""Fixtures that every test may use: a broker of its own, embedded or real. Knows nothing of what is tested.

Topic names are fixed by the contract, so tests don't share a broker: each gets an empty one (the embedded broker takes
0.1 s, the real one 3 s), and nothing has to be cleaned up after a test that failed half-way.
"""

from __future__ import annotations

import os
import signal
from typing import TYPE_CHECKING

import pytest
from hypothesis import settings

from stream.tools import broker

if TYPE_CHECKING:
    from collections.abc import Iterator

# how long an example takes says something of the machine, nothing of the code
settings.register_profile("untimed", deadline=None, derandomize=os.environ.get("CI") == "true")
settings.load_profile("untimed")

# whoever starts pytest behind a shell's `&` has SIGINT ignored, and so would every program that is tested
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="session")
def _kafka_can_run() -> None:
    """Skip where Java or Maven is missing, but never in CI: the promises about crashes are proved on a real Kafka."""
    try:
        broker.kafka_jars()
    except broker.UnavailableError as error:
        if os.environ.get("CI") == "true":
            raise
        pytest.skip(str(error))


@pytest.fixture
def embedded_bootstrap() -> Iterator[str]:
    """`host:port` of an empty embedded broker. Not exactly once: for what must hold without crashes."""
    with broker.embedded() as bootstrap:
        yield bootstrap


@pytest.fixture
def kafka(_kafka_can_run: None) -> Iterator[broker.Kafka]:
    """An empty real Kafka that the test may stop, kill and start again."""
    with broker.Kafka() as running:
        yield running


@pytest.fixture
def quick_kafka(_kafka_can_run: None) -> Iterator[broker.Kafka]:
    """The same, but it allows short sessions: where many workers have to die one after the other."""
    with broker.Kafka({"group.min.session.timeout.ms": "1000"}) as running:
        yield running


@pytest.fixture
def kafka_bootstrap(kafka: broker.Kafka) -> str:
    """`host:port` of an empty real Kafka."""
    return kafka.bootstrap


@pytest.fixture(params=["embedded", pytest.param("kafka", marks=pytest.mark.kafka)])
def bootstrap(request: pytest.FixtureRequest) -> str:
    """`host:port` of an empty broker; the test runs on both kinds."""
    value = request.getfixturevalue(f"{request.param}_bootstrap")
    assert isinstance(value, str)
    return value
