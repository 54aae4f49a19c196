"""What an Enterprise Manager knows of the sessions of a backup server: the third way to deduplication and compression.

GET /api/query of BackupJobSession and of BackupFile, whose ratios are x:1. Any role of Enterprise Manager that shows
the jobs will do.

A file does not say which session wrote it. That is inferred: the backup is called as its job, and the file was created
while that session of the job ran. Ids of sessions and jobs are taken for those of the backup server itself.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC

from exporter.errors import ConfigError, reading
from exporter.http import dig
from exporter.model import DAY, MINUTE, Poll, ReductionFeed, SessionReduction
from exporter.sources.veeam.enterprise_manager_client import QUERY, EnterpriseManager
from exporter.sources.veeam.fields import Row, enum, moment, number, optional, text
from exporter.sources.veeam.reduction import SMALLEST_TELLING, Part, dedup_ratio, of_session, unit_of

# Why a file is rejected, or its ratios are.
REASONS = ("no_session", "no_ratios", "contradictory")

_ENDPOINT = f"GET {QUERY}"
# A session may run for long after the poll that first saw it, and its files are as old as its begin.
_OVERLAP = 2 * DAY
# The clocks that a file and its session were stamped by.
_TOLERANCE = MINUTE
_SUCCESSES = ("success", "warning")
_FULL = {"vbk": True, "vib": False, "vrb": False}


@dataclass(frozen=True, slots=True)
class _Run:
    """A session of a job; ended_at: None while it runs."""

    session_id: str
    job_id: str
    job: str
    begun_at: float
    ended_at: float | None
    succeeded: bool


def fetch(manager: EnterpriseManager, poll: Poll) -> ReductionFeed:
    """What is new since the last poll. Logs out in the end."""
    since = poll.at - manager.lookback if poll.since is None else poll.since - _OVERLAP
    try:
        runs = list(manager.entities("BackupJobSession", ("CreationTime", since - _OVERLAP)))
        files = list(manager.entities("BackupFile", ("CreationTimeUTC", since)))
    finally:
        manager.log_out()
    sessions, rejected = parse(files, runs, manager.backup_server)
    poll.state.add_reductions(sessions)
    return ReductionFeed(sessions=len(sessions), rejected=rejected)


def parse(
    files: Iterable[Row], sessions: Iterable[Row], backup_server: str = ""
) -> tuple[list[SessionReduction], Mapping[str, int]]:
    """(what sessions stored, rejected files by reason), of entities BackupFile and BackupJobSession.

    Sessions that run or failed are left out. Raises ConfigError where there are several servers and none is named.
    """
    with reading(_ENDPOINT):
        own_files, own_sessions = _of_server([*files], [*sessions], backup_server)
        runs: dict[str, list[_Run]] = {}
        for row in own_sessions:
            run = _run(row)
            runs.setdefault(run.job, []).append(run)
        for of_job in runs.values():
            of_job.sort(key=lambda run: run.begun_at)
        rejected: Counter[str] = Counter(dict.fromkeys(REASONS, 0))
        parts: dict[_Run, list[Part]] = {}
        for row in own_files:
            written_by = _writer(row, runs)
            if written_by is None:
                rejected["no_session"] += 1
            elif written_by.succeeded:
                part, trouble = _part(row)
                parts.setdefault(written_by, []).append(part)
                rejected.update([trouble] if trouble else ())
    told = (
        of_session(stored, session_id=run.session_id, job_id=run.job_id, job=run.job, at=run.begun_at)
        for run, stored in parts.items()
    )
    return [reduction for reduction in told if reduction], dict(rejected)


def _of_server(files: list[Row], sessions: list[Row], wanted: str) -> tuple[list[Row], list[Row]]:
    """Those of the wanted backup server, of which an Enterprise Manager may have several."""
    servers = {_linked(row, "BackupServerReference") for row in (*files, *sessions)}
    if not wanted and len(servers) > 1:
        raise ConfigError(
            f"enterprise_manager: it has several backup servers ({', '.join(sorted(servers))}); "
            "name this one as backup_server"
        )
    if not wanted:
        return files, sessions

    def is_wanted(row: Row) -> bool:
        return _linked(row, "BackupServerReference").lower() == wanted.lower()

    return [*filter(is_wanted, files)], [*filter(is_wanted, sessions)]


def _run(row: Row) -> _Run:
    begun = moment(text(row, "CreationTimeUTC", endpoint=_ENDPOINT), UTC)
    if begun is None:
        raise ValueError("CreationTimeUTC")
    ended = moment(optional(row, "EndTimeUTC", str, endpoint=_ENDPOINT), UTC)
    stopped = enum(text(row, "State", endpoint=_ENDPOINT)) == "stopped"
    return _Run(
        session_id=_guid(text(row, "UID", endpoint=_ENDPOINT)),
        job_id=_guid(text(row, "JobUid", endpoint=_ENDPOINT)),
        job=text(row, "JobName", endpoint=_ENDPOINT),
        begun_at=begun,
        ended_at=ended if stopped else None,
        succeeded=stopped and enum(optional(row, "Result", str, endpoint=_ENDPOINT)) in _SUCCESSES,
    )


def _writer(file: Row, runs: Mapping[str, list[_Run]]) -> _Run | None:
    created = moment(text(file, "CreationTimeUtc", endpoint=_ENDPOINT), UTC)
    of_job = runs.get(_linked(file, "BackupReference"), [])
    if created is None:
        return None
    place = bisect_right(of_job, created + _TOLERANCE, key=lambda run: run.begun_at)
    run = of_job[place - 1] if place else None
    if run and run.ended_at is not None and created > run.ended_at + _TOLERANCE:
        return None
    return run


def _part(file: Row) -> tuple[Part, str]:
    """And why its ratios are not taken, "" where they are or where there is too little data to tell."""
    data, stored, dedup, compression = (
        number(file, name, endpoint=_ENDPOINT)
        for name in ("DataSize", "BackupSize", "DeduplicationRatio", "CompressRatio")
    )
    ratio = dedup_ratio(data, stored, dedup, compression, "ratio")
    part = Part(data, stored, ratio, _FULL.get(enum(optional(file, "FileType", str, endpoint=_ENDPOINT))))
    if ratio or data < SMALLEST_TELLING:
        return part, ""
    told = unit_of(data, stored, dedup, compression, "ratio") is not None
    return part, "no_ratios" if told else "contradictory"


def _linked(row: Row, kind: str) -> str:
    """The name of what an entity links to."""
    links = dig(row, "Links", endpoint=_ENDPOINT, expect=list)
    return next((text(link, "Name", endpoint=_ENDPOINT) for link in links if link.get("Type") == kind), "")


def _guid(uid: str) -> str:
    """urn:veeam:Job:643e7958-f608-41fd-932c-084596f5b44f"""
    return uid.rpartition(":")[2].lower()
