"""`python -m stream.cli` is `lapse`."""

import sys

from stream.cli import main

sys.exit(main())
