"""A Veeam Backup & Replication server as its REST API shows it, revisions 1.0-rev1 to 1.3-rev2.

An Application for the simulator's Server. Order of refusals: version, path, method, token, role.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from typing import Literal

from exporter.simulator import (
    vbr_backups,
    vbr_jobs,
    vbr_repositories,
    vbr_repository_settings,
    vbr_server,
    vbr_servers,
    vbr_sessions,
)
from exporter.simulator.clock import Clock
from exporter.simulator.messages import Answer, Request
from exporter.simulator.vbr_call import REVISIONS, Call, RefusedError, known_revision
from exporter.simulator.vbr_estate import VbrEstate
from exporter.simulator.vbr_tokens import Tokens

Role = Literal["viewer", "administrator"]
NEVER = "never"


@dataclass(frozen=True)
class Endpoint:
    """In the revisions `since` to `until`; for administrators only from `admin_from` on and before `viewer_from`."""

    path: str
    show: Callable[[Call], Answer]
    since: str = REVISIONS[0]
    until: str = REVISIONS[-1]
    admin_from: str = NEVER
    viewer_from: str = NEVER
    anyone: bool = False
    method: str = "GET"

    def ids(self, path: str) -> dict[str, str] | None:
        """The variable parts of a path; None when it is another's."""
        found = re.fullmatch(re.sub(r"\{(\w+)\}", r"(?P<\1>[^/]+)", self.path), path)
        return found.groupdict() if found else None

    def is_in(self, revision: str) -> bool:
        return REVISIONS.index(self.since) <= REVISIONS.index(revision) <= REVISIONS.index(self.until)

    def is_for_administrators(self, revision: str) -> bool:
        if self.admin_from == NEVER or REVISIONS.index(revision) < REVISIONS.index(self.admin_from):
            return False
        return self.viewer_from == NEVER or REVISIONS.index(revision) < REVISIONS.index(self.viewer_from)


API = "/api/v1"
INFRASTRUCTURE = f"{API}/backupInfrastructure"
FIRST = REVISIONS[0]
ENDPOINTS = (
    Endpoint(f"{API}/serverInfo", vbr_server.server_info, admin_from="1.1-rev2"),
    Endpoint(f"{API}/serverTime", vbr_server.server_time, anyone=True),
    Endpoint(f"{API}/license", vbr_server.licence, since="1.2-rev0", admin_from=FIRST),
    Endpoint(f"{API}/configBackup", vbr_server.config_backup, admin_from=FIRST),
    Endpoint(
        f"{API}/malwareDetection/events",
        vbr_server.malware_events,
        since="1.1-rev1",
        admin_from=FIRST,
        viewer_from="1.3-rev1",
    ),
    Endpoint(f"{API}/securityAnalyzer/bestPractices", vbr_server.best_practices, since="1.2-rev0", admin_from=FIRST),
    Endpoint(f"{INFRASTRUCTURE}/repositories/states", vbr_repositories.states),
    Endpoint(f"{INFRASTRUCTURE}/repositories", vbr_repository_settings.repositories),
    Endpoint(f"{INFRASTRUCTURE}/scaleOutRepositories", vbr_repositories.scale_outs),
    Endpoint(f"{INFRASTRUCTURE}/managedServers", vbr_servers.managed_servers),
    Endpoint(f"{INFRASTRUCTURE}/proxies", vbr_servers.proxies),
    Endpoint(f"{INFRASTRUCTURE}/proxies/states", vbr_servers.proxy_states, since="1.3-rev0"),
    Endpoint(f"{API}/jobs/states", vbr_jobs.states),
    Endpoint(f"{API}/jobs", vbr_jobs.jobs),
    Endpoint(f"{API}/sessions", vbr_sessions.sessions),
    Endpoint(f"{API}/sessions/{{id}}", vbr_sessions.session),
    Endpoint(f"{API}/sessions/{{id}}/taskSessions", vbr_sessions.tasks_of_session, since="1.2-rev0"),
    Endpoint(f"{API}/taskSessions", vbr_sessions.task_sessions, since="1.2-rev0"),
    Endpoint(f"{API}/backups", vbr_backups.backups),
    Endpoint(f"{API}/backups/{{id}}", vbr_backups.backup),
    Endpoint(f"{API}/backups/{{id}}/backupFiles", vbr_backups.backup_files, since="1.2-rev0"),
    Endpoint(f"{API}/objectRestorePoints", vbr_backups.restore_points, until="1.1-rev2"),
    Endpoint(f"{API}/restorePoints", vbr_backups.restore_points, since="1.1-rev1"),
    Endpoint(f"{API}/backupObjects", vbr_backups.backup_objects),
)


class VbrControl:
    """What a person or a test may do with the running server."""

    def __init__(self, estate: VbrEstate) -> None:
        self._estate = estate

    @property
    def stories(self) -> tuple[str, ...]:
        """Those in force, as "name: object"."""
        return tuple(f"{story.name}: {story.object}" for story in self._estate.told())

    def describe(self) -> Mapping[str, object]:
        clock = self._estate.clock
        return {
            "kind": "vbr",
            "size": self._estate.size,
            "now": clock.now(),
            "rate": clock.rate,
            "stories": [asdict(story) for story in self._estate.told()],
        }

    def tell(self, story: str, object: str | None = None, **options: float) -> None:  # noqa: A002
        if options:
            raise ValueError(f"the story {story} has no options: {', '.join(options)}")
        self._estate.tell(story, object)

    def end(self, story: str, object: str | None = None) -> None:  # noqa: A002
        self._estate.end(story, object)

    def advance(self, seconds: float) -> None:
        self._estate.clock.advance(seconds)

    def run(self, rate: float) -> None:
        self._estate.clock.run(rate)


class Vbr:
    """`newest_revision` says which build it is; `capitalised_grants` makes it as strict as the schema of 1.3-rev1."""

    def __init__(
        self,
        estate: VbrEstate,
        clock: Clock,
        *,
        username: str = "svc-ebbtide",
        password: str = "not-a-real-secret",
        role: Role = "viewer",
        newest_revision: str = REVISIONS[-1],
        token_seconds: float = 900.0,
        capitalised_grants: bool = False,
    ) -> None:
        if newest_revision not in REVISIONS:
            raise ValueError(f"unknown revision {newest_revision!r}, one of: {', '.join(REVISIONS)}")
        self.estate = estate
        self.role: Role = role
        self.newest_revision = newest_revision
        self.control = VbrControl(estate)
        self._clock = clock
        self._tokens = Tokens(username, password, token_seconds, capitalised_grants=capitalised_grants)
        self._login = (
            Endpoint("/api/oauth2/token", self._tokens.grant, anyone=True, method="POST"),
            Endpoint("/api/oauth2/logout", self._tokens.revoke, method="POST"),
        )

    def __call__(self, request: Request) -> Answer:
        try:
            revision = known_revision(request, self.newest_revision)
            endpoint, ids = self._endpoint(request, revision)
            now = self._clock.now()
            if not endpoint.anyone:
                self._tokens.check(request, now)
            if endpoint.is_for_administrators(revision) and self.role != "administrator":
                raise RefusedError(403, "AccessDenied", "Forbidden")
            with self.estate.lock:
                now = self.estate.live()
                return endpoint.show(Call(self.estate, request, revision, self.newest_revision, now, ids))
        except RefusedError as refusal:
            return refusal.answer

    def _endpoint(self, request: Request, revision: str) -> tuple[Endpoint, dict[str, str]]:
        for endpoint in (*self._login, *ENDPOINTS):
            ids = endpoint.ids(request.path)
            if ids is None or not endpoint.is_in(revision):
                continue
            if request.method != endpoint.method:
                raise RefusedError(405, "MethodNotAllowed", "The method is not allowed for this resource.")
            return endpoint, ids
        raise RefusedError(404, "InvalidURI", "The request URI is invalid.")


def demo_vbr_estate(clock: Clock) -> VbrEstate:
    """Sixty days old and healthy, but for one repository at 9 % free and one job that has failed for four nights."""
    return VbrEstate(
        "small",
        clock,
        told=((4.0, "job_failing", "VM Exchange"),),
        free_ratios={"Répertoire-A": 0.09},
        failure_rate=0.0,
    )
