"""`python -m grafana.boards`: write the boards' JSON; with `--check` compare it and look for what the rules forbid.

Money is in dollars, as in the policy `default`; `--currency EUR --out DIR` writes boards for another.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

from grafana.boards.all import CURRENCY, boards, text
from grafana.boards.lint import problems, records

DASHBOARDS = Path(__file__).parents[1] / "dashboards"


def main() -> int:
    """Do what the command line says; the exit code."""
    parser = argparse.ArgumentParser(prog="python -m grafana.boards", description=__doc__.partition("\n")[0])
    parser.add_argument("--check", action="store_true", help="write nothing, compare")
    parser.add_argument("--currency", default=CURRENCY, help="the policy's (default: %(default)s)")
    parser.add_argument("--out", type=Path, default=DASHBOARDS, metavar="DIR", help="where to (default: %(default)s)")
    args = parser.parse_args()
    written = {uid: text(model, args.currency) for uid, model in boards().items()}
    found = [one for content in written.values() for one in problems(json.loads(content), records())]
    for uid, content in written.items():
        path = args.out / f"{uid}.json"
        if not args.check:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(content)
        elif not path.exists() or path.read_text() != content:
            found.append(f"{path.name} is not what the code says: run python -m grafana.boards")
    print("\n".join(found) if found else "boards ok")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
