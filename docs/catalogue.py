"""Writes docs/metrics.md from the catalogue of metrics; with --check it only says whether that is up to date."""

from __future__ import annotations

import argparse
from pathlib import Path

from stream.metrics import CATALOGUE, Metric

PAGE = Path(__file__).parent / "metrics.md"
OPENING = """\
# Metrics

Written by `docs/catalogue.py` from [`stream/metrics.py`](../stream/metrics.py), which the exporter, the boards and the
rules read as well. `make check` compares.

- Counts, never ratios, in base units: any number of workers adds up. `timestamp` is seconds since 1970, `money` is in
  whole units of the policy's currency. A `ratio` here is what somebody wrote in the policy.
- What has a `partition` is aggregated `sum by (…) (max by (partition, …) (x))`, so that a partition on its way from one
  worker to another isn't counted twice. A partition that is given back takes its series along. Figures (`role`) have no
  partition, each worker adds up its own: `sum by (segment, period, role) (x)`. The segment `all` is never a series.
- No metric ever names a customer. The labels that exist:
  {labels}.
- `period` is the open `day`, `week`, `month`, `quarter` or `year`; with `last_` before it, the last that was closed.

| name | kind | unit | labels | what it says |
|---|---|---|---|---|
"""
EDGES = "\n## Edges of the histograms\n\nUpper edges; the last bucket is open.\n\n"


def page() -> str:
    """Return the whole page as it must be."""
    labels = ", ".join(f"`{one}`" for one in sorted({label for metric in CATALOGUE for label in metric.labels}))
    table = "".join(map(_row, CATALOGUE))
    edges = "".join(
        f"- `{metric.name}`: {', '.join(f'{edge:g}' for edge in metric.buckets)}\n"
        for metric in CATALOGUE
        if metric.buckets
    )
    return OPENING.format(labels=labels) + table + EDGES + edges


def _row(metric: Metric) -> str:
    labels = " ".join(f"`{label}`" for label in metric.labels)
    return f"| `{metric.name}` | {metric.kind} | {metric.unit} | {labels} | {metric.help} |\n"


def main() -> int:
    """Write, or check."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing; exit code 1 if the page is out of date")
    if not parser.parse_args().check:
        PAGE.write_text(page(), "utf-8")
    elif PAGE.read_text("utf-8") != page():
        print("docs/metrics.md is out of date: run .venv/bin/python docs/catalogue.py")
        return 1
    else:
        print("metrics ok")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
