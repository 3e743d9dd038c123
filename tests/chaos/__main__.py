"""`python -m tests.chaos --seeds 200 --jobs 4`: seeds in turn, a line each in a log; begun again it goes on there.

Owns: the command line, the log, the summary. A failing seed is told with the command that replays it.
"""

from __future__ import annotations

import argparse
import json
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import traceback
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from queue import Empty, Queue
from typing import Any

from tests.chaos import harness
from tests.chaos.plan import plan
from tests.chaos.processes import warm_up


def _git(*words: str) -> str:
    return subprocess.run(["git", *words], capture_output=True, text=True, check=False).stdout.strip()


TESTED = ("stream", "tests/chaos")  # another plan or oracle proves something else
CODE = "-".join(_git("rev-parse", *(f"HEAD:{one}" for one in TESTED)).split())
CODE += "-dirty" if _git("status", "--porcelain", *TESTED) else ""


def one(seed: int, lane: harness.Lane, logs: Path | None) -> dict[str, Any]:
    """Run a seed; what is to be remembered of it."""
    what = plan(seed)
    folder = Path(tempfile.mkdtemp(prefix=f"lapse-chaos-{seed}-")) if logs is None else logs
    folder.mkdir(parents=True, exist_ok=True)
    began = time.monotonic()
    try:
        result = lane.run(what, folder)
    except Exception:  # noqa: BLE001 (whatever it is, it belongs to this seed, and the next one may tell more)
        result = harness.Result(seed, [traceback.format_exc()], seconds=time.monotonic() - began)
    if result.problems:
        print(f"seed {seed} FAILED: python -m tests.chaos --seed {seed}   (logs in {folder})")
        for problem in result.problems:
            print(f"    {problem}")
    elif logs is None:
        shutil.rmtree(folder)
    return {
        "seed": seed, "code": CODE, "ok": not result.problems, "problems": result.problems, "workers": what.workers,
        "troubles": what.troubles, "records": result.records, "alerts": result.alerts, "restarts": result.restarts,
        "seconds": round(result.seconds, 1), "spent": result.spent,
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
    parser.add_argument("--jobs", type=int, default=1, help="how many at once, each with a broker (default: 1)")
    parser.add_argument("--log", type=Path, help="what was right; not done again while code and plans are the same")
    parser.add_argument("--logs", type=Path, help="where workers' logs of a single seed go")
    args = parser.parse_args()
    began = time.monotonic()
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # nobody else would end the brokers and workers
    warm_up()
    if args.seed is not None:
        with harness.Lane() as lane:
            line = one(args.seed, lane, args.logs)
        print(json.dumps(line))
        return 0 if line["ok"] else 1
    done = _done(args.log)
    seeds: Queue[int] = Queue()
    for seed in range(args.start, args.start + args.seeds):
        if seed not in {line["seed"] for line in done}:
            seeds.put(seed)
    stopped = False
    with ThreadPoolExecutor(args.jobs) as pool:
        running = [pool.submit(_lane, seeds, done, args.log) for _ in range(args.jobs)]
        try:
            for ended in running:
                ended.result()
        except KeyboardInterrupt:
            stopped = True
            seeds.queue.clear()
            print("stopping after the seeds under way", flush=True)
    print(f"{summary(done)}; {(time.monotonic() - began) / 60:.0f} minutes; code {CODE}")
    return 0 if all(line["ok"] for line in done) and not stopped else 1


def _lane(seeds: Queue[int], done: list[dict[str, Any]], log: Path | None) -> None:
    """One seed after the other on a broker of its own, until none is left."""
    with harness.Lane() as lane:
        while True:
            try:
                seed = seeds.get_nowait()
            except Empty:
                return
            line = one(seed, lane, None)
            done.append(line)
            if log:
                with log.open("a") as out:
                    out.write(json.dumps(line) + "\n")
            how, did = "right" if line["ok"] else "WRONG", ", ".join(line["troubles"])
            print(f"seed {seed}: {how}, {line['seconds']:.0f} s, {line['alerts']} alerts, {did}", flush=True)


def _done(log: Path | None) -> list[dict[str, Any]]:
    """What the log says was right with this code; what was not is done again."""
    if log is None or not log.exists():
        return []
    lines = [json.loads(text) for text in log.read_text().splitlines()]
    return [line for line in lines if line["ok"] and line.get("code") == CODE]


if __name__ == "__main__":
    sys.exit(main())
