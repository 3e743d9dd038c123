"""The peers of the benchmark do the job that is compared: rows of the size of ours."""

from __future__ import annotations

import re
from pathlib import Path

from benchmarks.peers import small_job
from stream.core.row import ROW

PEERS = Path(small_job.__file__).parent


def test_rows_are_as_large_as_ours() -> None:
    java = (PEERS / "kafka_streams/src/main/java/lapse/peers/OrderJob.java").read_text()
    assert small_job.ROW.size == ROW.itemsize
    assert re.findall(r"ROW_BYTES = (\d+);", java) == [str(ROW.itemsize)]
    assert f"row of {ROW.itemsize} bytes" in (PEERS.parent / "report.py").read_text()
