"""A changelog that an earlier version wrote is read by this one; of what it knows nothing is refused, never misread.

`changelog.msgpack` was written on 24 November 2026 by the version whose rows are of form 0: what a partition had
written at the middle of its events. It stays as it is: what is in production looks like this. A form that is released
gets a file of its own: `python -m tests.worker.test_upgrade FILE`.
"""

from __future__ import annotations

import re
import struct
import sys
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest

from stream import policies
from stream.core import layouts
from stream.core.partition import OtherPolicyError
from stream.core.row import FORM, FORM_AT, ROW, ROW_LAYOUT
from stream.worker import topics
from stream.worker.incarnation import Incarnation, Signal
from stream.worker.job import real_job
from stream.worker.restore import CONTROL_KEY
from tests.simulation.log import Undisturbed, record

KEPT = Path(__file__).with_name("changelog.msgpack")
NOW = (2, 242372167)  # FORM, ROW_LAYOUT
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
    return compacted({}, worker)


def compacted(found: dict[bytes, bytes], worker: Undisturbed) -> dict[bytes, bytes]:
    """A changelog after what a worker has written."""
    for sent in worker.of(topics.CHANGELOG):
        found.pop(sent.key or b"", None)
        if sent.value is not None:
            found[sent.key or b""] = sent.value
    return found


def kept() -> tuple[int, dict[bytes, bytes]]:
    """The layout and the records of the earlier version."""
    found = msgspec.msgpack.decode(KEPT.read_bytes(), type=dict[str, Any])
    return found["layout"], found["records"]


def restored(records: dict[bytes, bytes]) -> Incarnation:
    """What a worker of now makes of a changelog."""
    one = Incarnation(0, real_job(policies.load(POLICY)).make, 0.0)
    one.on(Signal.STABLE)
    rows = {key: value for key, value in records.items() if key != CONTROL_KEY}
    one.partition.load(list(rows), list(rows.values()))
    one.position = struct.unpack_from(">q", records[CONTROL_KEY])[0]
    one.partition.load_control(records[CONTROL_KEY][8:])
    one.on(Signal.EQUAL)
    return one


def test_an_earlier_versions_changelog_is_read_and_gone_on_from() -> None:
    """Also when half of it has been written anew since."""
    layout, records = kept()
    assert layout != ROW_LAYOUT
    worker, calm = (Undisturbed(real_job(policies.load(POLICY))) for _ in range(2))
    one = restored(records)
    assert one.position == HALF
    for stop in (HALF + CUSTOMERS // 2, None):
        worker.processor.take(one, events()[one.position : stop])
        worker.commit()
        forms = {value[FORM_AT] for key, value in compacted(records, worker).items() if not key.startswith(b"\0")}
        assert forms == ({0, FORM} if stop else {FORM})
        one = restored(records)
    calm.run(0, events(), HALF)
    alerts = [(sent.key, sent.value) for sent in worker.of(topics.ALERTS)]
    wanted = [(sent.key, sent.value) for sent in calm.of(topics.ALERTS)]
    assert len(wanted) > len(alerts) > CUSTOMERS
    assert alerts == wanted[-len(alerts) :]
    assert {key: _of_then(value) for key, value in worker.rows().items()} == {
        key: _of_then(value) for key, value in calm.rows().items()
    }


def _of_then(value: bytes) -> list[Any]:
    """What a row says in the fields that it had then: nobody has counted for those that are new."""
    then, now = layouts.layout(0), layouts.layout(FORM)
    assert then is not None
    assert now is not None
    found = []
    for types, at in zip(zip(then, now, strict=True), (0, ROW.itemsize), strict=True):
        if at < len(value):
            record = np.frombuffer(value, types[1], 1, at)[0]
            found += [record[name].tolist() for name in types[0].names or () if name in (types[1].names or ())]
    return found


def test_a_layout_says_what_it_was() -> None:
    assert kept()[0] in layouts.known()
    assert (FORM, ROW_LAYOUT) == NOW, "has a release rows of the last layout? Then core/layouts.py says what to do"


@pytest.mark.parametrize("wrong", ["form", "size", "nothing", "control"])
def test_of_what_nothing_is_known_is_refused(wrong: str) -> None:
    _, records = kept()
    key = b"c1"
    if wrong == "control":
        records[CONTROL_KEY] = re.sub(rb'"row_layout":\d+', b'"row_layout":1', records[CONTROL_KEY])
    elif wrong == "form":
        records[key] = records[key][:FORM_AT] + b"\xfe" + records[key][FORM_AT + 1 :]
    else:
        records[key] = records[key][:-1] if wrong == "size" else b""
    with pytest.raises(OtherPolicyError, match=r"another layout|can't read rows of"):
        restored(records)


if __name__ == "__main__":
    Path(sys.argv[1]).write_bytes(msgspec.msgpack.encode({"layout": ROW_LAYOUT, "records": written()}))
