"""`python -m stream.cli.leash WORDS`: `lapse WORDS`, which ends when whoever started it is gone.

Owns: that end. Standard input is a pipe that the demo holds open; however the demo ends, by kill -9 even, it closes,
and the worker is asked to stop as by SIGTERM.
"""

from __future__ import annotations

import os
import signal
import sys
import threading

from stream.cli import main


def _await_the_end() -> None:
    while os.read(0, 1):
        pass
    os.kill(os.getpid(), signal.SIGTERM)


if __name__ == "__main__":
    threading.Thread(target=_await_the_end, daemon=True).start()
    sys.exit(main(sys.argv[1:]))
