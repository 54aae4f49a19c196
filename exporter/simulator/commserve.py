"""A CommServe: the REST API of Commvault, with its quirks, over a living estate."""

import re
from collections.abc import Mapping, Sequence

from exporter.simulator import (
    commserve_ddb,
    commserve_events,
    commserve_infrastructure,
    commserve_jobs,
    commserve_login,
    commserve_plans,
    commserve_reports,
    commserve_retained,
    commserve_schedules,
    commserve_server_plans,
    commserve_storage,
)
from exporter.simulator.clock import Clock
from exporter.simulator.commserve_call import (
    ACCESS_DENIED,
    BAD_REQUEST,
    NO_API,
    NOT_FOUND,
    UNAUTHORIZED,
    Abilities,
    Call,
    Route,
)
from exporter.simulator.commserve_login import Sessions
from exporter.simulator.commserve_xml import as_xml
from exporter.simulator.estate import Estate
from exporter.simulator.messages import Answer, Request
from exporter.simulator.stories import STORIES

ROUTES: tuple[Route, ...] = (
    *commserve_login.ROUTES,
    *commserve_storage.ROUTES,
    *commserve_plans.ROUTES,
    *commserve_server_plans.ROUTES,
    *commserve_schedules.ROUTES,
    *commserve_ddb.ROUTES,
    *commserve_jobs.ROUTES,
    *commserve_infrastructure.ROUTES,
    *commserve_events.ROUTES,
    *commserve_reports.ROUTES,
    *commserve_retained.ROUTES,
)
PORT_81 = "SearchSvc/CVWebService.svc"
BASES = ("commandcenter/api", "webconsole/api", PORT_81)
NEWER = re.compile(r"v[45]/", re.IGNORECASE)


class CommServe:
    """An application for a Server. Passwords are taken in base64 only; tokens end after `token_idle_seconds` of rest.

    `generation`: see Abilities. `access_token` is accepted beside login tokens, for `access_seconds` if that is given;
    with the `refresh_token` it can be renewed. `bases`: the paths under which the API is.
    """

    def __init__(
        self,
        estate: Estate,
        clock: Clock,
        *,
        username: str = "svc-ebbtide",
        password: str = "not-a-real-secret",
        token_idle_seconds: float = 1800.0,
        generation: str = "v4",
        ddb_pending_deletes: bool = False,
        access_token: str | None = None,
        refresh_token: str | None = None,
        access_seconds: float | None = None,
        xml: bool = False,
        bases: Sequence[str] = BASES,
    ) -> None:
        self.estate = estate
        self.clock = clock
        self.control = CommServeControl(estate, clock)
        expires = float("inf") if access_seconds is None else clock.now() + access_seconds
        self.sessions = Sessions(
            username, password, token_idle_seconds, access_token, refresh_token, access_seconds, expires
        )
        self._abilities = Abilities(generation, ddb_pending_deletes, xml)
        self.bases = bases
        self._denied: set[str] = set()

    def deny(self, *paths: str) -> None:
        """From now on answer paths that hold one of these with "access denied", inside an HTTP 200."""
        self._denied |= {path.lower() for path in paths}

    def allow(self) -> None:
        self._denied.clear()

    def __call__(self, request: Request) -> Answer:
        asked = request.path.lower()
        base = next((base for base in self.bases if asked.startswith(f"/{base}/".lower())), None)
        if base is None:
            return NO_API
        path = request.path[len(base) + 2 :]
        if NEWER.match(path) and (base == PORT_81 or self._abilities.generation == "v2"):
            return NOT_FOUND
        for route in ROUTES:
            words = route.words(request.method, path)
            if words is not None:
                with self.estate.lock:
                    return self._answer(route, request, path, words)
        return NOT_FOUND

    def _answer(self, route: Route, request: Request, path: str, words: tuple[str, ...]) -> Answer:
        call = Call(self.estate, self.sessions, request, self.estate.catch_up(), self._abilities, words)
        if not route.public and not self.sessions.admits(call):
            return UNAUTHORIZED
        if any(denied in path.lower() for denied in self._denied):
            return ACCESS_DENIED
        try:
            answered = route.respond(call)
        except (ValueError, TypeError, AttributeError, KeyError):
            return BAD_REQUEST
        if isinstance(answered, Answer):
            return answered
        # Reports come from an engine of their own, which knows JSON only.
        is_xml = self._abilities.xml and request.method == "GET" and not path.lower().startswith("cr/")
        return as_xml("Resp", answered) if is_xml else Answer(answered)


class CommServeControl:
    """How a person or a test plays with a CommServe; see control.Control."""

    def __init__(self, estate: Estate, clock: Clock) -> None:
        self._estate = estate
        self._clock = clock

    @property
    def stories(self) -> tuple[str, ...]:
        told = (story for name in STORIES for story in self._estate.told(name))
        return tuple(f"{story.name}: {story.object}" for story in told)

    def describe(self) -> Mapping[str, object]:
        self._estate.catch_up()
        return {
            "simulates": "a Commvault CommServe",
            "time": self._estate.time,
            "rate": self._clock.rate,
            "stories": self.stories,
            "can_tell": dict(STORIES),
        }

    def tell(self, story: str, object: str | None = None, **options: float) -> None:  # noqa: A002
        self._estate.tell(story, object, **options)

    def end(self, story: str, object: str | None = None) -> None:  # noqa: A002
        self._estate.end(story, object)

    def advance(self, seconds: float) -> None:
        self._clock.advance(seconds)
        self._estate.catch_up()

    def run(self, rate: float) -> None:
        self._clock.run(rate)
