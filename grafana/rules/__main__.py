"""`python -m grafana.rules`: writes the rule files beside it; --check says whether they are as written."""

from __future__ import annotations

import argparse
from pathlib import Path

from grafana.rules import figures, oncall, pipeline, retention
from grafana.rules.form import GRAFANA, RUNBOOK, Form

HERE = Path(__file__).parent
FILES = {f"{one.__name__.rpartition('.')[2]}.yml": one.GROUPS for one in (pipeline, figures, oncall, retention)}
OPENING = "# Written by `python -m grafana.rules` from {}.py: change that, not this.\n"


def files(form: Form) -> dict[str, str]:
    """Return what each file must hold."""
    return {name: OPENING.format(Path(name).stem) + form.text(groups) for name, groups in FILES.items()}


def main() -> int:
    """Write, or check."""
    parser = argparse.ArgumentParser(prog="python -m grafana.rules", description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing; exit code 1 if a file is out of date")
    parser.add_argument("--out", metavar="DIR", type=Path, default=HERE, help="where to (default: beside the sources)")
    parser.add_argument("--runbook", default=RUNBOOK, metavar="URL", help="where links lead (default: %(default)s)")
    parser.add_argument("--grafana", default=GRAFANA, metavar="URL", help="the same (default: %(default)s)")
    given = parser.parse_args()
    written = files(Form(given.runbook, given.grafana))
    if not given.check:
        for name, text in written.items():
            (given.out / name).write_text(text, "utf-8")
        return 0
    stale = [name for name, text in written.items() if (given.out / name).read_text("utf-8") != text]
    print(f"out of date: {', '.join(stale)}; run python -m grafana.rules" if stale else "rules ok")
    return 1 if stale else 0


if __name__ == "__main__":
    raise SystemExit(main())
