"""What may go wrong in a simulated VBR estate, and to whom it happens."""

from collections.abc import Iterable
from dataclasses import dataclass

from exporter.simulator.vbr_records import Job, Repository, ScaleOut

JOB_STORIES = {
    "job_failing": "every run of the job fails",
    "dedup_off": "the job stores everything twice: nothing is left out by dedup any more",
}
REPOSITORY_STORIES = {
    "retention_failing": "nothing is deleted: Retention sessions fail, old points stay",
    "repository_offline": "not reachable: runs fail, the sizes stay as they were last seen",
    "repository_full": "somebody else's data leaves no room: runs fail",
}
Place = Repository | ScaleOut


@dataclass(frozen=True)
class Story:
    name: str
    object: str
    id: str
    since: float


class Stories:
    """The stories in force. A scale-out repository stands for its extents."""

    def __init__(self, jobs: Iterable[Job], scale_outs: Iterable[ScaleOut], repositories: Iterable[Repository]) -> None:
        self._jobs = tuple(jobs)
        self._scale_outs = tuple(scale_outs)
        self._repositories = tuple(repositories)
        self._told: dict[tuple[str, str], Story] = {}

    def current(self) -> tuple[Story, ...]:
        return tuple(self._told.values())

    def tell(self, story: str, name: str | None, at: float) -> list[Repository]:
        """The repositories that it is about. Told twice is told once."""
        thing = self._thing(story, name)
        self._told.setdefault((story, thing.id), Story(story, thing.name, thing.id, at))
        return self._places(thing)

    def end(self, story: str, name: str | None) -> list[Repository]:
        """The repositories that it was about; without a name the story ends for everybody."""
        if name is None:
            self._known(story)
            ended = [key for key in self._told if key[0] == story]
        else:
            ended = [(story, self._thing(story, name).id)]
        everything: tuple[Job | Place, ...] = (*self._jobs, *self._scale_outs, *self._repositories)
        things = [thing for thing in everything if (story, thing.id) in ended]
        for key in ended:
            self._told.pop(key, None)
        return [place for thing in things for place in self._places(thing)]

    def happens(self, story: str, *ids: str) -> bool:
        return any((story, one) in self._told for one in ids)

    def happens_at(self, story: str, repository: Repository) -> bool:
        """Whether it is told of the repository or of the scale-out repository it belongs to."""
        owners = [scale_out.id for scale_out in self._scale_outs if repository.id in scale_out.performance]
        return self.happens(story, repository.id, *owners)

    def _places(self, thing: Job | Place) -> list[Repository]:
        ids = thing.performance if isinstance(thing, ScaleOut) else (thing.id,)
        return [repository for repository in self._repositories if repository.id in ids]

    def _thing(self, story: str, name: str | None) -> Job | Place:
        self._known(story)
        things: tuple[Job | Place, ...] = (
            self._jobs if story in JOB_STORIES else (*self._scale_outs, *self._repositories)
        )
        if name is None:
            return things[0] if story in JOB_STORIES else self._repositories[0]
        for thing in things:
            if name in (thing.name, thing.id):
                return thing
        raise ValueError(f"no {'job' if story in JOB_STORIES else 'repository'} {name!r} for the story {story}")

    def _known(self, story: str) -> None:
        if story not in JOB_STORIES and story not in REPOSITORY_STORIES:
            raise ValueError(f"unknown story {story!r}, one of: {', '.join((*JOB_STORIES, *REPOSITORY_STORIES))}")
