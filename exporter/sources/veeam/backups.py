"""Backups: how much data went into their files, how much was stored, and how far back they reach.

GET /api/v1/backups, then for each of them in turn GET /api/v1/backups/{id}/backupFiles (from 1.2-rev0, VBR 12.3, on)
and its restore points. Needs the role Backup Viewer. What a session of a job stored is the sum of the files that its
restore points lie in, whatever its result: a machine that failed leaves none. The first time a session is seen ended
is what counts, since files are merged later.

Before 1.2-rev0 there are no files: then only restore points are counted, those kept by a long-term rule among them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import tzinfo

from exporter.errors import reading
from exporter.http import UnexpectedStatus
from exporter.model import MINUTE, BackupChain, Poll, SessionReduction
from exporter.sources.veeam.client import VeeamClient
from exporter.sources.veeam.fields import Row, enum, moment, number, optional, reference, text
from exporter.sources.veeam.reduction import Part, dedup_ratio, deduplicated, of_session

BACKUPS = "/api/v1/backups"
FILES = "/api/v1/backups/{}/backupFiles"
POINTS = "/api/v1/restorePoints"
POINTS_OF_OLD = "/api/v1/objectRestorePoints"
_BACKUPS, _FILES, _POINTS = f"GET {BACKUPS}", f"GET {FILES}", f"GET {POINTS}"
_FIRST_WITH_FILES = "1.2-rev0"
_FIRST_WITH_POINTS = "1.1-rev1"
_UNKNOWN_NAME = {400, 404, 405}

_ONE_ONLY = "backups/one_only"
# A session that began after the running ones were listed may have stored half of its data only.
_SETTLING = 10 * MINUTE


def fetch(client: VeeamClient, poll: Poll) -> tuple[BackupChain, ...]:
    """Each backup is asked for once in `backup_files_every`; of the others it is what was last said."""
    running = client.running_sessions()
    backups = {row["id"]: row for row in client.pages(BACKUPS)}
    repositories, jobs, zone = client.repository_names(), client.job_names(), client.zone()

    def ask(backup_id: str) -> BackupChain:
        files = list(client.pages(FILES, backup_id)) if client.speaks(_FIRST_WITH_FILES) else None
        points = restore_points(client, backup_id)
        chain = parse(backups[backup_id], files, points, repositories, jobs, zone=zone)
        if files and chain.job:
            ended = sessions(chain, files, points, lambda s, at: s not in running and at < poll.at - _SETTLING, zone)
            poll.state.add_reductions(ended)
        return chain

    ids = [*backups][:1] if poll.state.get(_ONE_ONLY) else [*backups]
    return tuple(client.round_of("backups", client.backup_files_every).read(ids, poll.at, ask).values())


def ask_one_only(_: VeeamClient, poll: Poll) -> None:
    """Let the fetch with this State ask for a single backup, which shows as well whether they can be read."""
    poll.state.put(_ONE_ONLY, "1")


def restore_points(client: VeeamClient, backup_id: str) -> list[Row]:
    """The points of a backup, which 1.1-rev0 has under another name; of the two after it nobody says which."""
    if not client.speaks(_FIRST_WITH_POINTS):
        return list(client.pages(POINTS_OF_OLD, backupIdFilter=backup_id))
    try:
        return list(client.pages(POINTS, backupIdFilter=backup_id))
    except UnexpectedStatus as error:
        if error.status not in _UNKNOWN_NAME or client.speaks(_FIRST_WITH_FILES):
            raise
        return list(client.pages(POINTS_OF_OLD, backupIdFilter=backup_id))


def parse(
    backup: Row,
    files: Sequence[Row] | None,
    points: Iterable[Row],
    repositories: Mapping[str, str],
    jobs: Mapping[str, str],
    *,
    zone: tzinfo,
) -> BackupChain:
    """A row of backups with the rows of its backupFiles (None: not told) and of its restore points.

    repositories, jobs: names by id; zone: of times that name none.
    """
    points = list(points)
    with reading(_BACKUPS):
        job = reference(backup, "jobId", endpoint=_BACKUPS)
        repository = reference(backup, "repositoryId", endpoint=_BACKUPS)
        repository_name = optional(backup, "repositoryName", str, endpoint=_BACKUPS)
        name = text(backup, "name", endpoint=_BACKUPS)
    with reading(_POINTS):
        of_points = _created(points, _POINTS, zone)
    with reading(_FILES):
        parts = None if files is None else [_part(row, None) for row in files]
        created = of_points if files is None else _created(files, _FILES, zone)
    return BackupChain(
        backup=name,
        # Before 1.3 the API has no copy and agent jobs; their backups are called as they are.
        job=(jobs.get(job) or name) if job else "",
        job_id=job,
        repository=repository_name or repositories.get(repository, ""),
        repository_id=repository,
        files=None if parts is None else len(parts),
        data_bytes=None if parts is None else sum(part.data_bytes for part in parts),
        stored_bytes=None if parts is None else sum(part.stored_bytes for part in parts),
        deduplicated_bytes=None if parts is None else deduplicated(parts),
        restore_points=len(points),
        oldest_at=min(created, default=None),
        newest_at=max(created, default=None),
    )


def sessions(
    chain: BackupChain,
    files: Sequence[Row],
    points: Iterable[Row],
    has_ended: Callable[[str, float], bool],
    zone: tzinfo,
) -> list[SessionReduction]:
    """What sessions stored, by the files of their restore points; has_ended(session id, begin): whether it counts.

    A file with the points of several sessions belongs to the newest.
    """
    with reading(_POINTS):
        by_file: dict[str, list[Row]] = {}
        by_id = {text(point, "id", endpoint=_POINTS): point for point in points}
        for point in by_id.values():
            by_file.setdefault(reference(point, "backupFileId", endpoint=_POINTS), []).append(point)
    parts: dict[str, list[Part]] = {}
    begun: dict[str, float] = {}
    with reading(_FILES):
        for row in files:
            own = optional(row, "restorePointIds", list, endpoint=_FILES) or ()
            held = [*by_file.get(text(row, "id", endpoint=_FILES), ()), *(by_id[i] for i in own if i in by_id)]
            writers = [
                (at, session, enum(optional(point, "type", str, endpoint=_POINTS)))
                for point in held
                if (session := reference(point, "sessionId", endpoint=_POINTS))
                and (at := moment(text(point, "creationTime", endpoint=_POINTS), zone))
            ]
            if writers:
                at, session, kind = max(writers)
                parts.setdefault(session, []).append(_part(row, _is_full(kind, text(row, "name", endpoint=_FILES))))
                begun[session] = max(at, begun.get(session, at))
    told = (
        of_session(
            parts[session],
            session_id=session.lower(),
            job_id=chain.job_id,
            job=chain.job,
            repository=chain.repository,
            at=at,
        )
        for session, at in begun.items()
        if has_ended(session, at)
    )
    return [reduction for reduction in told if reduction]


def _part(row: Row, is_full: bool | None) -> Part:
    data, stored, dedup, compression = (
        number(row, field, endpoint=_FILES) for field in ("dataSize", "backupSize", "dedupRatio", "compressRatio")
    )
    return Part(data, stored, dedup_ratio(data, stored, dedup, compression, "percent"), is_full)


def _is_full(kind: str, name: str) -> bool | None:
    """By the type of the restore point in it; of those that tell none, by the extension of the file."""
    if kind in ("full", "increment", "rollback"):
        return kind == "full"
    return {"vbk": True, "vib": False, "vrb": False}.get(name.rpartition(".")[2].lower())


def _created(rows: Iterable[Row], endpoint: str, zone: tzinfo) -> list[float]:
    """Of those that no long-term rule keeps."""
    return [
        at
        for row in rows
        if not any(
            enum(period) not in ("", "none") for period in optional(row, "gfsPeriods", list, endpoint=endpoint) or ()
        )
        and (at := moment(text(row, "creationTime", endpoint=endpoint), zone))
    ]
