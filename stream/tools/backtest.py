"""The core on a file of events: what the worker would have published, without a broker.

Owns: reading lines in batches, the files that come out. Everything that is computed comes from the core; the same
events give byte-identical files every time, because nothing here asks what time it is but for `time_absurd`.
"""

from __future__ import annotations

import csv
import time
from collections import Counter
from collections.abc import Callable, Iterable
from datetime import date
from pathlib import Path

import msgspec
import numpy as np

from stream.core import comparing, retention, trying
from stream.core.batch import Batch
from stream.core.calendar import PERIODS, calendar, day_of
from stream.core.money import from_minor
from stream.core.partition import Partition, Step
from stream.core.policy import Policy
from stream.core.retention import Head, Part, Record
from stream.core.scores import Score, scores
from stream.tools.lines import chunks
from stream.wire import dead, encode
from stream.wire.dead import DeadLetter
from stream.wire.decode import decode


class Summary(msgspec.Struct):
    """What came out, for people and for `--json`."""

    events: int = 0
    customers: int = 0
    duplicates: int = 0
    dead: dict[str, int] = {}
    alerts: dict[str, int] = {}  # by "sign status" or "sign resolution"
    records: int = 0
    final_records: int = 0
    seconds: float = 0.0
    lead_days: dict[str, float] = {}  # by sign: mean days from an alert to the day on which the customer was lost


class _Run:
    """One backtest: a partition, the open files, and what was counted."""

    def __init__(self, out: Path, policy: Policy, score_at: Iterable[date]) -> None:
        self.out = out
        self.policy = policy
        self.partition = Partition(policy, 0)
        self.to_score = sorted(score_at)
        self.parts: dict[str, Part] = {}
        self.heads: dict[str, Head] = {}
        self.alerts = (out / "alerts.jsonl").open("wb")
        self.dead = (out / "dead.jsonl").open("wb")
        self.counts: Counter[str] = Counter()
        self.dead_counts: Counter[str] = Counter()
        self.summary = Summary()
        self.lines = 0

    def feed(self, lines: list[bytes]) -> None:
        batch, letters = decode(lines, None, int(time.time() * 1000), None, self.policy)
        late: list[DeadLetter] = []
        start = 0
        while start < len(batch) or (start == 0 and not len(batch)):
            stop = self._score_border(batch, start)
            while True:
                step = self.partition.apply(batch, start, stop)
                start = step.next
                late += [dead.too_late(int(batch.record[i])) for i in step.too_late]
                self._take(step)
                if start == stop:
                    break
            if start < len(batch):
                self._write_scores(self.to_score.pop(0))
            elif not len(batch):
                break
        self.partition.changes()
        for letter in sorted([*letters, *late], key=lambda one: one.record):
            self.dead.write(dead.line(letter, lines[letter.record], self.lines + letter.record + 1) + b"\n")
            self.dead_counts[letter.reason] += 1
        self.lines += len(lines)
        self.summary.events += len(batch)

    def finish(self) -> Summary:
        for day in self.to_score:
            self._write_scores(day)
        self.alerts.close()
        self.dead.close()
        records = self._records()
        with (self.out / "retention.jsonl").open("wb") as file:
            earlier = comparing.among(records)
            for record in records:
                file.write(encode.record(record, comparing.beside(record, earlier, self.policy))[1] + b"\n")
        summary = self.summary
        summary.customers = self.partition.rows
        summary.dead = dict(sorted(self.dead_counts.items()))
        summary.alerts = dict(sorted(self.counts.items()))
        summary.lead_days = _lead_days(records)
        summary.records = len(records)
        summary.final_records = sum(record.final for record in records)
        return summary

    def _score_border(self, batch: Batch, start: int) -> int:
        """The first event from `start` on that is after the next day to be scored, else the end of the batch."""
        if not self.to_score:
            return len(batch)
        end_ms = calendar(self.policy.zone).end_ms(day_of(self.to_score[0]))
        after = np.flatnonzero(batch.time_ms[start:] >= end_ms)
        return start + int(after[0]) if after.size else len(batch)

    def _take(self, step: Step) -> None:
        for alert in step.alerts:
            self.alerts.write(encode.alert(alert)[1] + b"\n")
            self.counts[f"{alert.sign} {alert.resolution or alert.status}"] += 1
        for part in step.parts:
            if isinstance(part, Head):
                self.heads[part.key] = part
            else:
                self.parts[part.key] = part
        self.summary.duplicates += step.duplicates

    def _records(self) -> list[Record]:
        policy = self.policy
        records = retention.merge(
            self.parts.values(), self.heads.values(), 1, policy.segments, max(policy.active_days), policy.history_start
        )
        order = {period: i for i, period in enumerate(PERIODS)}
        return sorted(records, key=lambda one: (order[one.period], one.start, one.segment))

    def _write_scores(self, when: date) -> None:
        with (self.out / f"scores-{when}.csv").open("w", newline="") as file:
            out = csv.writer(file, lineterminator="\n")
            out.writerow(Score._fields)
            for score in scores(self.partition, day_of(when)):
                shown = score._asdict() | {
                    "p_none": f"{score.p_none:.6f}",
                    "p_alive": f"{score.p_alive:.6f}",
                    "value_at_risk": from_minor(score.value_at_risk, self.policy.currency),
                }
                out.writerow(shown.values())


def _lead_days(records: Iterable[Record]) -> dict[str, float]:
    """The mean lead of each sign, of all days together (definitions L8)."""
    totals: Counter[str] = Counter()
    for record in records:
        if (record.period, record.segment) == ("day", retention.ALL):
            totals.update(record.figures)
    found = trying.leads(totals)
    return {sign: round(float(one["mean_days"] or 0), 1) for sign, one in found.items()}


def run(
    lines: Iterable[bytes], out: Path, policy: Policy, score_at: Iterable[date], progress: Callable[[str], None]
) -> Summary:
    """Run the core over events in arrival order, one JSON object a line; empty lines are skipped.

    Writes alerts.jsonl, retention.jsonl (the last record of each period and segment, as the compacted topic would hold
    it), dead.jsonl, and scores-DATE.csv for each date of `score_at`.
    """
    began = time.perf_counter()
    out.mkdir(parents=True, exist_ok=True)
    work = _Run(out, policy, score_at)
    for chunk in chunks(lines):
        work.feed(chunk)
        clock_ms = work.partition.clock_ms
        if clock_ms is not None:
            progress(f"{np.datetime64(clock_ms, 'ms').astype('datetime64[D]')}")
    summary = work.finish()
    summary.seconds = round(time.perf_counter() - began, 3)
    return summary
