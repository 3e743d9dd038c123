"""Who was erased, so that a late event cannot bring them back: salted hashes of ids, and until when.

Owns: those hashes and their records in the changelog (definitions H1, H2). Who they were can't be read off them without
the salt, which is a secret of the workers'. Knows nothing of rows.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from typing import Final

KEY: Final = b"\x00erased:"  # no customer: ids never contain NUL
DIGEST_BYTES: Final = 16


class Erasures:
    """The erasures of one partition."""

    def __init__(self, salt: str) -> None:
        self._salt = salt.encode()
        self._until_s: dict[bytes, int] = {}
        self._changed: set[bytes] = set()

    def __len__(self) -> int:
        return len(self._until_s)

    def note(self, customer: bytes, time_s: int) -> None:
        """A customer was erased: what they did until then must not come back."""
        digest = self._digest(customer)
        self._until_s[digest] = max(time_s, self._until_s.get(digest, 0))
        self._changed.add(digest)

    def until_s(self, customer: bytes) -> int:
        """Until when the events of a customer are to be ignored, 0 for somebody who was not erased."""
        return self._until_s.get(self._digest(customer), 0)

    def changes(self) -> dict[bytes, bytes]:
        """Changelog records since the last call."""
        changed, self._changed = self._changed, set()
        return {KEY + digest: str(self._until_s[digest]).encode() for digest in sorted(changed)}

    def records(self) -> dict[bytes, bytes]:
        """The changelog's records as they are now."""
        return {KEY + digest: str(until_s).encode() for digest, until_s in self._until_s.items()}

    def load(self, records: Iterable[tuple[bytes, bytes | None]]) -> None:
        """Go on from changelog records."""
        for key, value in records:
            if value is not None:
                self._until_s[key.removeprefix(KEY)] = int(value)

    def _digest(self, customer: bytes) -> bytes:
        return hashlib.blake2b(customer, digest_size=DIGEST_BYTES, key=self._salt[:64]).digest()
