"""`python -m tests.chaos --seeds 200`: one seed after the other, a line each in a log; begun again it goes on there.

Owns: the command line, the log, the summary. A failing seed is told with the command that replays it.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
import traceback
from collections import Counter
from pathlib import Path
from typing import Any

from tests.chaos import harness
from tests.chaos.plan import plan


def one(seed: int, logs: Path | None) -> dict[str, Any]:
    """Run a seed; what is to be remembered of it."""
    what = plan(seed)
    folder = Path(tempfile.mkdtemp(prefix=f"lapse-chaos-{seed}-")) if logs is None else logs
    folder.mkdir(parents=True, exist_ok=True)
    began = time.monotonic()
    try:
        result = harness.run(what, folder)
    except Exception:  # noqa: BLE001 (whatever it is, it belongs to this seed, and the next one may tell more)
        result = harness.Result(seed, [traceback.format_exc()], seconds=time.monotonic() - began)
    if result.problems:
        print(f"seed {seed} FAILED: python -m tests.chaos --seed {seed}   (logs in {folder})")
        for problem in result.problems:
            print(f"    {problem}")
    else:
        for file in folder.iterdir():
            file.unlink()
        folder.rmdir()
    return {
        "seed": seed, "ok": not result.problems, "problems": result.problems, "workers": what.workers,
        "troubles": what.troubles, "records": result.records, "alerts": result.alerts, "restarts": result.restarts,
        "seconds": round(result.seconds, 1),
    }  # fmt: skip


def summary(lines: list[dict[str, Any]]) -> str:
    good = sum(line["ok"] for line in lines)
    troubles = Counter(trouble for line in lines for trouble in line["troubles"])
    return (
        f"{good} of {len(lines)} seeds right: {sum(line['records'] for line in lines):,} records, "
        f"{sum(line['alerts'] for line in lines):,} alerts, "
        f"{', '.join(f'{n} {name}' for name, n in sorted(troubles.items()))}; "
        f"{sum(line['restarts'] for line in lines)} workers ended by themselves; "
        f"{sum(line['seconds'] for line in lines) / max(1, len(lines)):.0f} s a seed"
    )


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.chaos")
    parser.add_argument("--seed", type=int, help="only this one, again")
    parser.add_argument("--seeds", type=int, default=10, help="how many (default: 10)")
    parser.add_argument("--start", type=int, default=1, help="the first (default: 1)")
    parser.add_argument("--log", type=Path, help="remember what was done here, and don't do it again")
    parser.add_argument("--logs", type=Path, help="where workers' logs of a single seed go")
    args = parser.parse_args()
    harness.warm_up()
    if args.seed is not None:
        line = one(args.seed, args.logs)
        print(json.dumps(line))
        return 0 if line["ok"] else 1
    done: list[dict[str, Any]] = []
    if args.log and args.log.exists():
        done = [json.loads(text) for text in args.log.read_text().splitlines()]
    known = {line["seed"] for line in done}
    for seed in range(args.start, args.start + args.seeds):
        if seed in known:
            continue
        line = one(seed, None)
        done.append(line)
        if args.log:
            with args.log.open("a") as out:
                out.write(json.dumps(line) + "\n")
        print(f"seed {seed}: {'right' if line['ok'] else 'WRONG'}, {line['seconds']:.0f} s, {line['alerts']} alerts, "
              f"{', '.join(line['troubles'])}", flush=True)  # fmt: skip
    print(summary(done))
    return 0 if all(line["ok"] for line in done) else 1


if __name__ == "__main__":
    sys.exit(main())
