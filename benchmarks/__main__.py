"""`python -m benchmarks`: everything, into RESULTS.md; or one measurement, onto the terminal."""

from __future__ import annotations

import argparse
import sys
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks import changelog, handover, latency, quality, report, scale, state, throughput
from benchmarks.contestants import ALL
from benchmarks.measure import BenchmarkError
from benchmarks.progress import say
from stream.tools.broker import BrokerError

if TYPE_CHECKING:
    from collections.abc import Callable

RESULTS = Path(__file__).parent / "RESULTS.md"
PARTS = ("throughput", "latency", "state", "scale", "handover", "changelog")


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument(
        "what", nargs="?", default="run", choices=("run", *PARTS, "quality"), help="default: run, all but quality"
    )
    parser.add_argument("--events", type=int, default=2_000_000)
    parser.add_argument("--customers", type=int, default=1_000_000)
    parser.add_argument("--rounds", type=int, default=3, help="repetitions, of which the median counts")
    parser.add_argument("--seconds", type=float, default=30.0, help="of each rate of the latency measurement")
    parser.add_argument("--rates", type=int, nargs="+", default=[1_000, 20_000], help="events/s of the latency")
    parser.add_argument(
        "--anew", action="store_true", help="quality: with parameters learned now, not the shipped ones"
    )
    parser.add_argument("--only", nargs="+", choices=tuple(ALL), default=tuple(ALL), help="contestants")
    parser.add_argument("--out", type=Path, default=RESULTS, help="of run (default: benchmarks/RESULTS.md)")
    arguments = parser.parse_args()
    if arguments.events < arguments.customers:
        parser.error("--events must be at least --customers: every customer has to occur")
    return arguments


def _parts(a: argparse.Namespace) -> dict[str, Callable[[], str]]:
    sizes = sorted({max(a.customers // 100, 1), max(a.customers // 10, 1), a.customers})
    return {
        "throughput": lambda: report.throughput(
            throughput.run(a.events, a.customers, a.rounds, a.only), a.events, a.customers
        ),
        "latency": lambda: report.latency(latency.run(a.rates, a.customers, a.seconds), a.customers),
        "state": lambda: report.state(state.run(a.customers, a.events, a.rounds)),
        "handover": lambda: report.handover(handover.run(a.customers, a.rounds), a.customers),
        "changelog": lambda: report.changelog(changelog.run(a.customers // 4, 10)),
        "scale": lambda: report.scale(scale.run(a.events, sizes), a.events),
    }


def _run(parts: dict[str, Callable[[], str]], out: Path) -> int:
    """All parts; one that fails is named in the file and does not take the others with it."""
    text, failed = [report.HEAD, report.machine()], []
    for name, part in parts.items():
        say(f"--- {name}")
        try:
            text.append(part())
        except (BenchmarkError, BrokerError) as error:
            failed.append(name)
            say(f"{name} FAILED: {error}")
            text.append(f"## {name.capitalize()}\n\nFailed, see the terminal: {str(error).splitlines()[0]}\n")
    out.write_text("\n".join(text), encoding="utf-8")
    say(f"wrote {out.name}" + (f"; failed: {', '.join(failed)}" if failed else ""))
    return 1 if failed else 0


def main() -> int:
    """Exit code 0, 1 when a measurement failed, 130 after Ctrl-C."""
    arguments = _arguments()
    if arguments.what == "quality":
        lines = quality.run(anew=arguments.anew)
        print(quality.told(lines), end="")
        return 0 if all(met for *_, met in lines) else 1
    parts = _parts(arguments)
    action = partial(_run, parts, arguments.out) if arguments.what == "run" else partial(_one, parts[arguments.what])
    try:
        return action()
    except KeyboardInterrupt:
        say("interrupted; everything started is ended")
        return 130


def _one(part: Callable[[], str]) -> int:
    try:
        print(part())
    except (BenchmarkError, BrokerError) as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
