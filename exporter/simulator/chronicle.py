"""What an estate would tell of itself: the stories that were told, as events with the time they happened."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import count, takewhile

from exporter.simulator.estate import Estate
from exporter.simulator.history import Job
from exporter.simulator.sizes import DAY
from exporter.simulator.stories import Story

FIRST_EVENT = 501
INFO, MINOR, MAJOR = 0, 3, 6
UNPRUNED_DAYS = 7


@dataclass(frozen=True, order=True)
class Event:
    """Happened to a client, the CommServe unless named, and maybe in a job."""

    at: int
    severity: int
    code: str
    subsystem: str
    description: str
    client_id: int = 2
    client: str = "cs01"
    job_id: int = 0
    id: int = 0


def events(estate: Estate) -> list[Event]:
    """From the first on; the same event keeps its id, since nothing is ever told of the past."""
    found = sorted(event for story in estate.stories for event in _of(estate, story))
    return [replace(event, id=FIRST_EVENT + index) for index, event in enumerate(found)]


def failed_fulls(estate: Estate, story: Story) -> list[Job]:
    """The jobs in which such a story has shown so far."""
    until = estate.time if story.ended_at is None else story.ended_at
    return estate.jobs.failed_fulls(estate.plan_ids[story.object], story.began_at, until, estate.time)


def _of(estate: Estate, story: Story) -> Iterator[Event]:
    now, began, named = estate.time, int(story.began_at), story.object.strip()
    if story.name == "agent_dead":
        client = next((agent.id, agent.name) for agent in estate.landscape.agents if agent.name == story.object)
        yield Event(began, MAJOR, "64:1097", "MediaManager", f"MediaAgent [{named}] is offline.", *client)
        if story.ended_at is not None and story.ended_at <= now:
            ended = int(story.ended_at)
            yield Event(ended, INFO, "64:1098", "MediaManager", f"MediaAgent [{named}] is online.", *client)
    if story.name == "ddb_sealed":
        yield Event(began, MINOR, "62:2011", "MediaManager", f"The deduplication database of [{named}] was sealed.")
    if story.name == "fulls_failing":
        for job in failed_fulls(estate, story):
            text = f"{job.level} backup [{job.id}] of [{job.client}] failed."
            yield Event(job.start + job.elapsed, MAJOR, "19:857", "JobManager", text, job.client_id, job.client, job.id)
    if story.name == "pruning_stopped":
        ended_at = now if story.ended_at is None else min(now, story.ended_at)
        for at in takewhile(lambda at: at <= ended_at, count(began + UNPRUNED_DAYS * DAY, DAY)):
            text = f"Deleted records of [{named}] are pending logical pruning for more than {UNPRUNED_DAYS} days: "
            yield Event(at, MAJOR, "62:2483", "MediaManager", text + "Deduplication pruning threshold event.")
