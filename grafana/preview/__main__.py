"""`python -m grafana.preview`: draw the boards, report what is wrong with them; exit 1 if anything is.

With `--demo` a year of real shopping passes first, in 90 s, watched by a Prometheus; with `--prometheus URL` the boards
show the last hours of yours.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from pathlib import Path

from grafana.boards.assembly import TITLES
from grafana.preview.bundle import PreviewError, bundle
from grafana.preview.drawing import DASHBOARDS, Drawing, draw
from grafana.preview.living import Lived, live
from grafana.preview.scraping import SCRAPE_SECONDS, Prometheus, answers

YEAR_DAYS = 365
LIVED = "lived.json"


def main() -> int:
    """Do what the command line says; the exit code."""
    args = _parser().parse_args()
    try:
        found = _drawn(args)
    except PreviewError as error:
        print(error, file=sys.stderr)
        return 2
    print("\n".join(found) if found else f"nothing wrong; the pictures are in {args.out}")
    return 1 if found else 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m grafana.preview", description=__doc__.partition("\n")[0])
    where = parser.add_mutually_exclusive_group(required=True)
    where.add_argument("--prometheus", metavar="URL", help="the Prometheus to ask")
    where.add_argument("--demo", action="store_true", help="run the demo and a Prometheus that watches it")
    where.add_argument("--kept", type=Path, metavar="DIR", help="what an earlier --demo --keep DIR left")
    parser.add_argument("--out", type=Path, required=True, metavar="DIR", help="where the pictures and report.json go")
    parser.add_argument("--keep", type=Path, metavar="DIR", help="where --demo leaves Prometheus's data")
    parser.add_argument("--days", type=int, default=YEAR_DAYS, help="days of the demo (default: %(default)s)")
    parser.add_argument("--year-seconds", type=int, default=90, help="of the demo (default: %(default)s)")
    parser.add_argument("--hours", type=float, default=6.0, help="of --prometheus, up to now (default: %(default)s)")
    parser.add_argument("--scrape-seconds", type=int, default=15, help="of --prometheus (default: %(default)s)")
    parser.add_argument("--board", action="append", choices=[*TITLES], help="only this one; repeatable")
    parser.add_argument("--var", action="append", default=[], metavar="NAME=VALUE", help="a variable's value")
    parser.add_argument("--theme", choices=("dark", "light"), default="dark")
    return parser


def _drawn(args: argparse.Namespace) -> list[str]:
    boards = [DASHBOARDS / f"{uid}.json" for uid in args.board or TITLES]
    variables = dict(one.partition("=")[::2] for one in args.var)
    if args.prometheus and not answers(args.prometheus.rstrip("/")):
        raise PreviewError(f"no Prometheus answers at {args.prometheus}")
    if args.kept and not (args.kept / LIVED).exists():
        raise PreviewError(f"{args.kept} holds nothing that --demo --keep has left")
    bundle()
    if args.prometheus:
        now = time.time()
        begin = now - args.hours * 3600
        drawing = Drawing(args.prometheus.rstrip("/"), begin, now, args.scrape_seconds, variables, args.theme)
        return draw(drawing, args.out, boards)
    with tempfile.TemporaryDirectory(prefix="lapse-preview-") as temporary:
        folder = args.kept or args.keep or Path(temporary)
        when = folder / LIVED
        if args.demo:
            lived = live(folder, args.days, args.year_seconds, lambda text: print(text, flush=True))
            when.write_text(json.dumps([lived.begin, lived.end]))
        lived = Lived(*json.loads(when.read_text()))
        with Prometheus(folder, {}) as prometheus:
            drawing = Drawing(prometheus.url, lived.begin, lived.end, SCRAPE_SECONDS, variables, args.theme)
            return draw(drawing, args.out, boards)


if __name__ == "__main__":
    sys.exit(main())
