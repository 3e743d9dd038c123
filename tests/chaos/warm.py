"""Imported by the process from which workers are forked, before it forks the first."""

from __future__ import annotations

from tests.chaos.processes import warm_up

warm_up()
