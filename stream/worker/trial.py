"""Finding an event of which workers die: what a life leaves on record where it begins, and what the next makes of it.

Owns: how many lives may end at one place, how carefully the next one goes, and when one event is given up. The record
is the metadata of the committed offset, beside the transactional id of its owner: it is read with the offset anyway,
and the first commit that gets further takes it away, so the normal path writes nothing for it. A life writes it once,
before its first batch. Knows nothing of Kafka.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

FREE_LIVES: Final = 2  # may end at one place without suspicion: somebody may just have killed them
LAST_LIVES: Final = 2  # an event that stands alone is tried so often
FEW: Final = 64  # events at once, with a commit after each few, once there is suspicion
REACH: Final = 20_000  # offsets: more than a life takes before its first commit
HOUR_S: Final = 3600
MOST_GIVEN_UP: Final = 3  # events of a partition in an hour; more are no bad event but a bad worker


@dataclass(frozen=True, slots=True)
class Trial:
    """Lives that began where the committed offset is and got no further, and how they went about it."""

    lives: int = 0
    size: int = 0  # events at once, 0: as many as there are
    until: int = 0  # the offset before which the deadly event is believed to lie
    given_up_s: tuple[int, ...] = ()  # when events of this partition were given up in the last hour, epoch seconds

    def begun(self, position: int) -> Trial:
        """What a life that begins at `position` writes down before it tries anything; it works in steps of `size`."""
        if self.size == 0 and self.lives < FREE_LIVES:
            return replace(self, lives=self.lives + 1)
        if self.size == 0:
            return replace(self, lives=1, size=FEW, until=position + REACH)
        if self.size > 1:
            return replace(self, lives=1, size=1)
        return replace(self, lives=self.lives + 1)

    @property
    def hopeless(self) -> bool:
        """Whether the next event, alone, has ended too many lives: it is not tried again."""
        return self.size == 1 and self.lives > LAST_LIVES

    def words(self) -> str:
        """For the log."""
        how = "one event" if self.size == 1 else f"{self.size} events"
        return f"before they got further: now in steps of {how} till {self.until} (life {self.lives})"

    def gone_on(self, size: int | None, until: int) -> Trial:
        """After progress: nothing is suspected any more but what is looked for in steps of `size`."""
        return Trial(0, 0, 0, self.given_up_s) if size is None else Trial(1, size, until, self.given_up_s)

    def gave_up(self, now_s: int) -> Trial:
        """One more event was given up. Those of more than an hour ago are forgotten."""
        return replace(self, given_up_s=(*self.lately(now_s), now_s))

    def lately(self, now_s: int) -> tuple[int, ...]:
        """When events were given up within the hour before `now_s`."""
        return tuple(when for when in self.given_up_s if now_s - when < HOUR_S)


NONE: Final = Trial()


def written(owner: str, trial: Trial) -> str:
    """The metadata of an offset: who committed it, and the trial if there is one.

    >>> written("lapse.a", Trial(1, 64, 700, (5, 9)))
    'lapse.a 1 64 700 5 9'
    """
    if trial == NONE:
        return owner
    numbers = (trial.lives, trial.size, trial.until, *trial.given_up_s)
    return " ".join((owner, *map(str, numbers)))


def read(metadata: str | None) -> tuple[str, Trial]:
    """Owner and trial; no trial where an older version or somebody else wrote the offset.

    >>> read("lapse.a 1 64 700 5 9"), read("lapse.a"), read(None)
    (('lapse.a', Trial(lives=1, size=64, until=700, given_up_s=(5, 9))), ('lapse.a', Trial(lives=0, size=0, until=0, \
given_up_s=())), ('', Trial(lives=0, size=0, until=0, given_up_s=())))
    """
    owner, *words = (metadata or "").split(" ")
    if len(words) < 3 or not all(word.isascii() and word.isdigit() for word in words):  # noqa: PLR2004 (a trial's)
        return owner, NONE
    lives, size, until, *given_up_s = map(int, words)
    return owner, Trial(lives, size, until, tuple(given_up_s))
