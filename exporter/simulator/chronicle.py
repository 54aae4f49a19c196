"""What an estate would tell of itself: the stories that were told, as events with the time they happened."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import count, takewhile

from exporter.simulator.estate import Estate
from exporter.simulator.sizes import DAY
from exporter.simulator.stories import Story

FIRST_EVENT = 501
INFO, MINOR, MAJOR = 0, 3, 6
UNPRUNED_DAYS = 7


@dataclass(frozen=True)
class Event:
    id: int
    at: int
    severity: int
    code: str
    subsystem: str
    description: str
    agent: str = ""


def events(estate: Estate) -> list[Event]:
    """From the first on; the same event keeps its id, since nothing is ever told of the past."""
    found = sorted(event for story in estate.stories for event in _of(story, estate.time))
    return [Event(FIRST_EVENT + index, *event) for index, event in enumerate(found)]


def _of(story: Story, now: float) -> Iterator[tuple[int, int, str, str, str, str]]:
    began, named = int(story.began_at), story.object.strip()
    if story.name == "agent_dead":
        yield began, MAJOR, "64:1097", "MediaManager", f"MediaAgent [{named}] is offline.", named
        if story.ended_at is not None and story.ended_at <= now:
            yield int(story.ended_at), INFO, "64:1098", "MediaManager", f"MediaAgent [{named}] is online.", named
    if story.name == "ddb_sealed":
        yield began, MINOR, "62:2011", "MediaManager", f"The deduplication database of [{named}] was sealed.", ""
    if story.name == "pruning_stopped":
        ended = now if story.ended_at is None else min(now, story.ended_at)
        for at in takewhile(lambda at: at <= ended, count(began + UNPRUNED_DAYS * DAY, DAY)):
            text = f"Deleted records of [{named}] are pending logical pruning for more than {UNPRUNED_DAYS} days: "
            yield at, MAJOR, "62:2483", "MediaManager", text + "Deduplication pruning threshold event.", ""
