"""Libraries and their mount paths: which are online, what pruning frees there, which MediaAgents serve them.

GET /Library lists, GET /Library/{id}?propertyLevel=20 tells, one call per library and hour. Sizes are MiB although
the API says MB; the texts with units beside them depend on the server's language and are not read.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from exporter.errors import reading
from exporter.http import dig
from exporter.model import Library, MountPath, Poll
from exporter.sources.commvault.client import CommvaultClient
from exporter.sources.commvault.fields import Row, flag, identity, mebibytes, name, number, part, rows, text

LIST = "GET /Library"
DETAILS = "GET /Library/{}"

_TYPES = {1: "tape", 3: "disk", 4: "stand-alone"}
_AGENTS = re.compile(r"[,;\n]")


def fetch(client: CommvaultClient, poll: Poll) -> tuple[Library, ...]:
    ids = parse_list(client.get("/Library"))

    def ask(library_id: str) -> Library:
        return parse(client.get("/Library/{}", library_id, params={"propertyLevel": 20}))

    answers: dict[str, Library] = client.round_of("libraries").read(ids, poll.at, ask)
    return tuple(answers.values())


def parse_list(payload: Any) -> list[str]:
    """The ids, from either shape of the list."""
    if "libraryList" in payload:
        listed = rows(payload, "libraryList", LIST)
        with reading(LIST):
            return [identity(dig(row, "library", endpoint=LIST, expect=dict), "libraryId") for row in listed]
    listed = rows(payload, "response", LIST)
    with reading(LIST):
        return [identity(dig(row, "entityInfo", endpoint=LIST, expect=dict), "id") for row in listed]


def parse(payload: Any) -> Library:
    """One library; tape libraries have no mount paths."""
    found = dig(payload, "libraryInfo", endpoint=DETAILS, expect=dict)
    entity = dig(found, "library", endpoint=DETAILS, expect=dict)
    paths = rows(found, "MountPathList", DETAILS) if found.get("MountPathList") else []
    with reading(DETAILS):
        kind = number(found, "libraryType")
        summary = part(found, "magLibSummary") or part(found, "tapeLibSummary")
        return Library(
            id=identity(entity, "libraryId"),
            name=name(entity, "libraryName"),
            library_type=_type(kind, text(found, "model")),
            online=_online(text(summary, "isOnline")),
            mount_paths=tuple(map(_mount_path, paths)),
        )


def _type(kind: float | None, model: str) -> str:
    # Disk and cloud have one number; only the model tells them apart.
    return "cloud" if "cloud" in model.lower() else _TYPES.get(int(kind or 0), "other")


def _online(words: str) -> bool | None:
    """ "Ready", "Yes", "No", "Offline (…": by the first word; None for any other."""
    first = re.split(r"[\s(,]", words.strip(), maxsplit=1)[0].lower()
    return {"ready": True, "yes": True, "online": True, "1": True, "no": False, "offline": False, "0": False}.get(first)


def _mount_path(row: Row) -> MountPath:
    sizes = part(row, "mountPathSummary")
    online = _online(text(row, "status"))
    is_down = online is False
    disabled = flag(row, "disabledForNewWrite")
    return MountPath(
        id=identity(row, "mountPathId"),
        name=name(row, "mountPathName"),
        media_agents=tuple(_agents(text(row, "mediaAgents"))),
        online=online,
        enabled=flag(row, "enabledMP"),
        writable=None if disabled is None else not disabled,
        capacity_bytes=None if is_down else mebibytes(sizes, "totalSpace"),
        free_bytes=None if is_down else mebibytes(sizes, "totalFreeSpace"),
        logical_bytes=mebibytes(sizes, "totalDeduplicationAppSize"),
        stored_bytes=mebibytes(sizes, "totalDeduplicationDataWritten"),
        written_bytes_per_day=mebibytes(sizes, "avgDataWrittenPerDayMB"),
        freed_bytes_per_day=mebibytes(sizes, "avgCapacityFreedMB"),
    )


def _agents(listed: str) -> Iterable[str]:
    return (agent.strip() for agent in _AGENTS.split(listed) if agent.strip())
