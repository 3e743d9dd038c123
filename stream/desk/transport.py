"""Faust's own transport, reading committed records only.

Faust asks for `read_committed` only when it runs its own transactions; a worker's aborted transaction would show alerts
that were never published. Registered as `lapse://` (entry point group `faust.transports`).
"""

from __future__ import annotations

from typing import Any, ClassVar

from faust.transport.drivers import aiokafka as driver


class _Thread(driver.AIOKafkaConsumerThread):
    def _create_worker_consumer(self, transport: Any) -> Any:
        consumer = super()._create_worker_consumer(transport)
        assert hasattr(consumer, "_isolation_level"), "aiokafka calls it otherwise now"
        consumer._isolation_level = "read_committed"  # noqa: SLF001 (read when it starts; there is no setting)
        return consumer


class _Consumer(driver.Consumer):
    def _new_consumer_thread(self) -> _Thread:
        return _Thread(self, loop=self.loop, beacon=self.beacon)


class Transport(driver.Transport):
    """aiokafka with `isolation.level=read_committed`."""

    Consumer: ClassVar[type[Any]] = _Consumer
