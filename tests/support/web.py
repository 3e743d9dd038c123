"""What a page answers, by its status."""

from __future__ import annotations

import urllib.error
import urllib.request


def status(url: str, token: str | None = None, body: bytes | None = None) -> int:
    """The status of an answer, 0 where nobody listens."""
    headers = {} if token is None else {"Authorization": f"Bearer {token}"}
    try:
        with urllib.request.urlopen(urllib.request.Request(url, body, headers), timeout=20) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as error:
        with error:
            return error.code
    except OSError:
        return 0
