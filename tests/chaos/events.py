"""The input of a seed: households of the Complete Journey or simulated customers, made untidy.

Owns: which events, in which order of arrival: some late, some too late, some twice, some no events at all.
"""

from __future__ import annotations

import json
import random
import tempfile
from functools import cache
from pathlib import Path
from typing import Any

from stream.tools import importing, simulate

DAY_MS = 86_400_000
HOUSEHOLDS = 220
SIMULATED = 60
SIMULATED_DAYS = 240
END_MS = (1_725_000_000_000, 1_524_000_000_000)  # a hundred days after the last, of simulated and of the Journey's


def policy_of(seed: int) -> str:
    return "complete-journey" if seed % 2 else "simulated"


def records(seed: int) -> list[tuple[bytes | None, bytes]]:
    """(key, value) in order of arrival."""
    draw = random.Random(seed)
    found = _journey(draw) if seed % 2 else _simulated(seed)
    late: list[tuple[int, int, tuple[bytes | None, bytes]]] = []
    for at, (key, value) in enumerate(found):
        fate = draw.random()
        delay = 0 if fate > 0.03 else draw.choice([2, 30, 300, 2_000])  # records behind its turn
        late.append((at + delay, at, (key, value)))
        if 0.03 < fate < 0.04:
            late.append((at + draw.choice([0, 5, 500]), at, (key, value)))  # a duplicate
        elif 0.04 < fate < 0.043:
            late.append((at, at, (key, draw.choice([value[:-1], b"\xff\x00", b"", b'{"type":"nonsense"}']))))
    late.sort(key=lambda one: one[:2])
    return [one for _, _, one in late]


def end(seed: int) -> bytes:
    """The heartbeat behind all of it, one for each partition."""
    return b'{"id":"end","type":"clock_advanced","time":%d}' % END_MS[seed % 2]


@cache
def _households() -> dict[str, list[tuple[int, bytes]]]:
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "journey.jsonl")
        importing.write("complete-journey", None, file)
        found: dict[str, list[tuple[int, bytes]]] = {}
        for at, line in enumerate(file.read_bytes().splitlines()):
            event: dict[str, Any] = json.loads(line)
            if "customer_id" in event:
                found.setdefault(event["customer_id"], []).append((at, line))
    return found


def _journey(draw: random.Random) -> list[tuple[bytes | None, bytes]]:
    everybody = _households()
    chosen = draw.sample(sorted(everybody), HOUSEHOLDS)
    lines = sorted((at, name, line) for name in chosen for at, line in everybody[name])
    return [(name.encode(), line) for _, name, line in lines]


def _simulated(seed: int) -> list[tuple[bytes | None, bytes]]:
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "simulated.jsonl")
        simulate.write(SIMULATED, SIMULATED_DAYS, seed, file, lambda *_: None)
        lines = file.read_bytes().splitlines()
    return [(json.loads(line)["customer_id"].encode() if b'"customer_id"' in line else None, line) for line in lines]
