"""A changelog that an earlier version wrote is read by this one, or refused in words; never misread.

`changelog.msgpack` was written on 24 November 2026 by `python -m tests.worker.test_upgrade`: what a partition had
written at the middle of its events. Keep it when the form of rows changes: what is in production then looks like this.
"""

from __future__ import annotations

import struct
from pathlib import Path
from typing import Any

import msgspec
import pytest

from stream import policies
from stream.core.partition import OtherPolicyError
from stream.core.row import ROW_LAYOUT
from stream.worker import topics
from stream.worker.incarnation import Incarnation, Signal
from stream.worker.job import real_job
from stream.worker.restore import CONTROL_KEY
from tests.simulation.log import Undisturbed, record

KEPT = Path(__file__).with_name("changelog.msgpack")
POLICY = "simulated"
DAY_MS, START_MS = 86_400_000, 1_700_000_000_000
CUSTOMERS, DAYS, HALF = 12, 40, 240
ORDER = ("order_completed", ',"amount":5')
KINDS = {
    1: ("subscription_started", ',"subscription_id":"s","mrr":10'), 2: ("ticket_opened", ',"ticket_id":"t"'),
    3: ("survey_answered", ',"survey":"nps","score":3'), 4: ("payment_failed", ',"amount":3'),
    7: ("customer_erased", ""),
}  # fmt: skip


def events() -> list[Any]:
    """Orders with pauses, and one of each thing that stands beside a row."""
    found = []
    for n in range(CUSTOMERS * DAYS):
        who, day = n % CUSTOMERS, n // CUSTOMERS
        kind, more = KINDS.get(who, ORDER) if day == 5 else ORDER
        time_ms = START_MS + day * (1 + who % 3) * DAY_MS // 3 + n
        value = f'{{"id":"{n}","type":"{kind}","customer_id":"c{who}","time":{time_ms}{more}}}'
        found.append(record(0, n, f"c{who}".encode(), value.encode(), START_MS + 400 * DAY_MS))
    last = b'{"type":"clock_advanced","time":%d}' % (START_MS + 120 * DAY_MS)
    return [*found, record(0, len(found), None, last, START_MS + 400 * DAY_MS)]


def written() -> dict[bytes, bytes]:
    """The changelog after the first half of the events."""
    worker = Undisturbed(real_job(policies.load(POLICY)))
    worker.run(0, events()[:HALF])
    found: dict[bytes, bytes] = {}
    for sent in worker.transactions.done:
        if sent.topic == topics.CHANGELOG:
            found.pop(sent.key or b"", None)
            if sent.value is not None:
                found[sent.key or b""] = sent.value
    return found


def test_an_earlier_versions_changelog_is_read_or_refused() -> None:
    kept = msgspec.msgpack.decode(KEPT.read_bytes(), type=dict[str, Any])
    rows = dict(kept["records"])
    control = rows.pop(CONTROL_KEY)
    job = real_job(policies.load(POLICY))
    one = Incarnation(0, job.make, 0.0)
    one.on(Signal.STABLE)
    if kept["layout"] != ROW_LAYOUT:
        with pytest.raises(OtherPolicyError, match=r"another layout|rows of"):
            _load(one, rows, control)
        return
    _load(one, rows, control)
    one.on(Signal.EQUAL)
    assert one.position == HALF
    worker, calm = Undisturbed(job), Undisturbed(job)
    worker.processor.take(one, events()[HALF:])
    worker.commit()
    calm.run(0, events(), HALF)
    alerts = [(sent.key, sent.value) for sent in worker.of(topics.ALERTS)]
    wanted = [(sent.key, sent.value) for sent in calm.of(topics.ALERTS)]
    assert len(wanted) > len(alerts) > CUSTOMERS
    assert alerts == wanted[-len(alerts) :]
    assert worker.rows() == calm.rows()


def _load(one: Incarnation, rows: dict[bytes, bytes], control: bytes) -> None:
    one.partition.load(list(rows), list(rows.values()))
    one.position = struct.unpack_from(">q", control)[0]
    one.partition.load_control(control[8:])


if __name__ == "__main__":
    KEPT.write_bytes(msgspec.msgpack.encode({"layout": ROW_LAYOUT, "records": written()}))
