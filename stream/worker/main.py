"""`lapse worker`: put together, run until told to stop, and say how it ended.

Owns: the process: signals, logging, exit code. Everything else is `loop`'s.
"""

from __future__ import annotations

import ctypes
import errno
import gc
import logging
import os
import signal
import threading
import time
from typing import TYPE_CHECKING, Final

from confluent_kafka import KafkaError, KafkaException

from stream import logs
from stream.core.partition import OtherPolicyError
from stream.worker import clients, topics
from stream.worker.exporter import Exporter
from stream.worker.job import Job, real_job
from stream.worker.loop import Loop
from stream.worker.notice import Notice
from stream.worker.settings import SALT, SNAPSHOTS, salt_is_public
from stream.worker.slot import claim
from stream.worker.watchdog import Watchdog

if TYPE_CHECKING:
    from pathlib import Path

    from stream.core.policy import Policy
    from stream.worker.settings import Settings

FINE, FAILED, BAD_CONFIGURATION = 0, 1, 2
# librdkafka was asked for what can't be: the stack trace tells where
_OUR_MISTAKES: Final = {KafkaError._STATE, KafkaError._CONFLICT, KafkaError._INVALID_ARG}  # noqa: SLF001 (public names)
# A batch makes as many objects as it has records, none of them in a cycle; looking for cycles among them took a fifth
# of the worker's time, and two fifths of a restore's.
COLLECT: Final = (1_000_000, 50, 1000)
LARGE_BYTES: Final = 1 << 20
KEPT_BYTES: Final = 16 << 20  # free memory that the next batch finds again: a page new from the system costs 1 µs
_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD = -1, -3  # malloc.h
_LOOK_SECONDS: Final = 10.0
_AGAIN_SECONDS, _NEW_SECONDS = 0.2, 3.0

_log = logging.getLogger("lapse.worker")


def run(settings: Settings, policy: Policy) -> int:
    """Work until SIGTERM or SIGINT; the exit code (0 stopped as asked, 1 failed, 2 badly configured)."""
    logs.to_stderr()
    if salt_is_public(os.environ):
        _log.warning("%s is not set to a secret: by trying ids it can be found out who was erased", SALT)
    return run_job(settings, real_job(policy))


def run_job(settings: Settings, job: Job) -> int:
    """The same with any job."""
    stop = threading.Event()
    if threading.current_thread() is threading.main_thread():
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: stop.set())
    deadline = time.monotonic() + _NEW_SECONDS
    try:
        problems = _look(settings)
        while problems and time.monotonic() < deadline:  # new topics are not shown to everybody at once
            time.sleep(_AGAIN_SECONDS)
            problems = _look(settings)
        if problems:
            return _refuse(problems)
        if settings.snapshots is not None:
            _prepare(settings.snapshots)
        slot = claim(settings.group, settings.slot)
        watchdog = Watchdog()
        exporter = Exporter(settings.http, lambda: watchdog.silent_seconds, settings.token)
    except (KafkaException, OSError, RuntimeError, ValueError) as error:
        return _refuse([str(error)])
    job.warm_up()  # compiling takes longer than a watchdog waits
    tune()
    exporter.start()
    watchdog.start()
    _log.info("%s: metrics at %s/metrics", slot.transactional_id, exporter.url)
    notice = Notice(settings, slot.transactional_id, exporter.url)
    try:
        Loop(settings, slot.transactional_id, job, exporter, watchdog).run(stop.is_set)
    except OtherPolicyError as error:
        return _refuse([f"{error}; or begin anew with another LAPSE_GROUP and empty topics"])
    except (KafkaException, ConnectionError) as error:  # mostly the cluster's doing, that it is away
        ours = isinstance(error, KafkaException) and error.args[0].code() in _OUR_MISTAKES
        _log.error("stopped, nothing more was committed: %s", error, exc_info=ours)
        return FAILED
    except Exception:  # noqa: BLE001 (the process's last line: told, and turned into an exit code)
        _log.exception("stopped by an error, nothing more was committed")
        return FAILED
    finally:
        watchdog.stop()
        notice.close()
        exporter.stop()
        slot.release()
    _log.info("%s: stopped", slot.transactional_id)
    return FINE


def tune() -> None:
    """Set the process up for batches: seldom look for cycles, and give a batch's memory back."""
    gc.freeze()
    gc.set_threshold(*COLLECT)
    _give_back()


def _give_back() -> None:
    """Have the C library return a batch's arrays to the system; glibc would keep them (90 bytes a customer)."""
    try:
        ctypes.CDLL(None).mallopt(_M_MMAP_THRESHOLD, LARGE_BYTES)
        ctypes.CDLL(None).mallopt(_M_TRIM_THRESHOLD, KEPT_BYTES)
    except (AttributeError, OSError):  # another C library
        _log.debug("no mallopt here")


def _look(settings: Settings) -> list[str]:
    """What is wrong with the cluster's topics, as far as a client without an admin's rights sees."""
    consumer = clients.observer(settings)
    try:
        found = consumer.list_topics(timeout=_LOOK_SECONDS).topics
        return topics.differences({name: len(topic.partitions) for name, topic in found.items() if topic.error is None})
    finally:
        consumer.close()


def _prepare(folder: Path) -> None:
    """Make the folder of snapshots. Raises OSError, in words, where no files can be kept there."""
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        if not os.access(folder, os.W_OK | os.X_OK):
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
    except OSError as error:
        raise OSError(f"{SNAPSHOTS} is {folder}: {error.strerror}") from None


def _refuse(problems: list[str]) -> int:
    for problem in problems:
        _log.error("%s", problem)
    return BAD_CONFIGURATION
