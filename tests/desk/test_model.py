from __future__ import annotations

import random

import msgspec

from stream.core.policy import Policy
from stream.desk.model import MOST_WAITING, Acked, Desk, Story
from stream.wire.encode import AlertEvent
from tests.desk.making import alert


def tell(desk: Desk, event: AlertEvent, now_ms: int) -> bool:
    """What the engine does with one event; whether it said something new."""
    known = desk.story(event.data.alert_id)
    story = Story(life=(event,), seen_ms=(now_ms,)) if known is None else known.told(event, now_ms)
    if story is not None:
        desk.tell_story(event.data.alert_id, story)
    return story is not None


def test_an_older_transition_never_replaces_a_newer_one() -> None:
    desk = Desk(Policy("default"))
    events = [alert(1), alert(1, 2, "escalated"), alert(1, 3, "resolved", resolution="returned")]
    assert [tell(desk, event, n) for n, event in enumerate(events)] == [True, True, True]
    assert not desk.open_alerts()
    rng = random.Random(7)
    for _ in range(50):  # replays, in any order, say nothing new
        assert not tell(desk, rng.choice(events), 99)
    assert desk.life(events[0].data.alert_id) == events
    assert desk.alert(events[0].data.alert_id) == events[-1]


def test_lists_have_the_newest_first() -> None:
    desk = Desk(Policy("default"))
    for number in range(5):
        tell(desk, alert(number), number)
    tell(desk, alert(1, 2, "escalated"), 9)
    assert [event.data.customer_id for event in desk.open_alerts()] == ["1", "4", "3", "2", "0"]
    assert [event.id[-3:] for event in desk.recent(3)] == ["1:2", "4:1", "3:1"]
    assert [event.id for event in desk.of_customer("1")] == [alert(1, 2).id]
    assert not desk.of_customer("nobody")


def test_subscribers_hear_what_is_new_once_and_the_slow_lose_the_oldest() -> None:
    desk = Desk(Policy("default"))
    queue, slow = desk.subscribe(), desk.subscribe()
    tell(desk, alert(1), 1)
    story = desk.story(alert(1).data.alert_id)
    assert story is not None
    desk.tell_story(alert(1).data.alert_id, msgspec.structs.replace(story, acked=Acked("Ann", 5)))
    assert desk.acked(alert(1).data.alert_id) == ("Ann", 5)
    tell(desk, alert(1, 2, "escalated"), 2)
    assert [queue.get_nowait().id[-1] for _ in range(3)] == ["1", "1", "2"], "opened, taken on, escalated"
    assert queue.empty()
    desk.unsubscribe(queue)
    for number in range(10, 10 + MOST_WAITING):
        tell(desk, alert(number), number)
    assert queue.empty()
    assert slow.qsize() == MOST_WAITING
    assert slow.get_nowait().data.customer_id == "10"


def test_forgotten_is_forgotten() -> None:
    desk = Desk(Policy("default"))
    tell(desk, alert(1), 1)
    before = desk.changed
    desk.tell_story(alert(1).data.alert_id, None)
    assert desk.changed > before
    assert (desk.open_alerts(), desk.recent(9), desk.of_customer("1"), desk.life(alert(1).data.alert_id)) == ([],) * 4
