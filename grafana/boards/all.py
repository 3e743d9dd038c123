"""All boards, and their form as text.

Owns: what of the SDK's output is written: sorted, indented, nothing of the day it was made.
"""

from __future__ import annotations

import json
from typing import Any, Final

from grafana_foundation_sdk.models.dashboard import Dashboard

from grafana.boards import look
from grafana.boards.assembly import to_json
from grafana.boards.live import live
from grafana.boards.pipeline import pipeline
from grafana.boards.retention import retention
from grafana.boards.segment import segment
from grafana.boards.signals import signals

CURRENCY: Final = "USD"


def boards() -> dict[str, Dashboard]:
    """The boards by uid."""
    models = [retention(), live(), segment(), signals(), pipeline()]
    return {str(model.uid): model for model in models}


def text(model: Dashboard, currency: str = CURRENCY) -> str:
    """A board as it is committed, money in a currency. Raises AssertionError if the SDK reads back something else."""
    plain = to_json(model)
    again = to_json(Dashboard.from_json(json.loads(json.dumps(plain))))
    assert again == plain, f"{model.title}: the SDK reads back something else: {_difference(plain, again)}"
    written = json.dumps(plain, indent=2, sort_keys=True, ensure_ascii=False) + "\n"
    return written.replace(f'"{look.MONEY}"', f'"currency{currency}"')


def _difference(one: Any, other: Any, path: str = "") -> str:
    """Where two JSON values first differ."""
    if isinstance(one, dict) and isinstance(other, dict):
        for key in sorted({*one, *other}):
            if one.get(key) != other.get(key):
                return _difference(one.get(key), other.get(key), f"{path}/{key}")
    if isinstance(one, list) and isinstance(other, list) and len(one) == len(other):
        for place, (a, b) in enumerate(zip(one, other, strict=True)):
            if a != b:
                return _difference(a, b, f"{path}/{place}")
    return f"{path}: {one} and {other}"
