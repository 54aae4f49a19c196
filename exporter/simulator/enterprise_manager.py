"""A Veeam Backup Enterprise Manager beside a VBR server: its logon sessions, and queries for files and sessions.

An Application for the simulator's Server. Its ratios are x:1, where the VBR server itself tells percent left.
"""

import base64
import math
import re
import uuid
from datetime import UTC, datetime
from typing import Any

from exporter.simulator.clock import Clock
from exporter.simulator.messages import Answer, Json, Request
from exporter.simulator.vbr_estate import VbrEstate
from exporter.simulator.vbr_records import Backup, File, Session, identity

HEADER = "X-RestSvcSessionId"
IDLE_SECONDS = 900.0
JOB_TYPES = {"backup": "Backup", "agent": "AgentBackup", "copy": "BackupCopy"}
SINCE = re.compile(r'\w+>="([^"]+)"')


class EnterpriseManager:
    """`server` is what it calls the VBR server."""

    def __init__(
        self,
        estate: VbrEstate,
        clock: Clock,
        *,
        username: str = "svc-ebbtide",
        password: str = "not-a-real-secret",
        server: str = "vbr01.example.com",
    ) -> None:
        self.estate = estate
        self.server = server
        self.logons: dict[str, tuple[str, float]] = {}
        self._basic = "Basic " + base64.b64encode(f"{username}:{password}".encode()).decode()
        self._clock = clock

    def __call__(self, request: Request) -> Answer:
        now = self._clock.now()
        if request.path == "/api/sessionMngr/":
            return self._log_on(request, now) if request.method == "POST" else _error(405, "Method not allowed")
        token = request.headers.get(HEADER, "")
        logon, used = self.logons.get(token, ("", -math.inf))
        if now - used > IDLE_SECONDS:
            return _error(401, "Unauthorized")
        self.logons[token] = (logon, now)
        if request.method == "DELETE" and request.path == f"/api/logonSessions/{logon}":
            del self.logons[token]
            return Answer(b"", 204)
        if request.method != "GET" or request.path != "/api/query":
            return _error(404, "Not found")
        with self.estate.lock:
            self.estate.live()
            return self._query(request)

    def _log_on(self, request: Request, now: float) -> Answer:
        if request.headers.get("Authorization") != self._basic:
            return _error(401, "Login failed")
        logon, token = str(uuid.uuid4()), base64.b64encode(str(uuid.uuid4()).encode()).decode()
        self.logons[token] = (logon, now)
        href = f"https://localhost:9398/api/logonSessions/{logon}"
        return Answer({"Type": "LogonSession", "Href": href, "Links": []}, 201, {HEADER: token})

    def _query(self, request: Request) -> Answer:
        kind = request.first("type")
        found = SINCE.search(request.first("filter"))
        since = datetime.fromisoformat(found[1]).timestamp() if found else -math.inf
        rows: list[Json]
        if kind == "BackupFile":
            rows = [
                self._file(backup, file)
                for backup in self.estate.backups.values()
                for file in backup.files
                if file.created >= since
            ]
        elif kind == "BackupJobSession":
            wanted = (s for s in self.estate.sessions if s.kind in JOB_TYPES and s.started >= since)
            rows = [self._session(session) for session in wanted]
        else:
            return _error(400, f"Unknown type {kind}")
        size, page = int(request.first("pageSize", "100")), int(request.first("page", "1"))
        shown = rows[size * (page - 1) : size * page]
        paging = {"PageNum": page, "PageSize": size, "PagesCount": max(1, math.ceil(len(rows) / size)), "Links": []}
        return Answer({"Entities": {f"{kind}s": {f"{kind}s": shown}}, "PagingInfo": paging})

    def _file(self, backup: Backup, file: File) -> Json:
        return self._entity("BackupFile", file.id, file.name, ("BackupReference", backup.name)) | {
            "FilePath": file.name,
            "BackupSize": file.size,
            "DataSize": file.data,
            "DeduplicationRatio": _ratio(file.dedup),
            "CompressRatio": _ratio(file.compress),
            "CreationTimeUtc": _utc(file.created),
            "FileType": file.name.rpartition(".")[2],
        }

    def _session(self, session: Session) -> Json:
        shown = self._entity("BackupJobSession", session.id, session.name, ("JobReference", session.name)) | {
            "JobUid": f"urn:veeam:Job:{session.job}",
            "JobName": session.name,
            "JobType": JOB_TYPES[session.kind],
            "CreationTimeUTC": _utc(session.started),
            "State": "Working" if session.ended is None else "Stopped",
            "Progress": 0 if session.ended is None else 100,
            "IsRetry": False,
        }
        if session.ended is not None:
            shown |= {"EndTimeUTC": _utc(session.ended), "Result": session.result}
        return shown

    def _entity(self, kind: str, id_: str, name: str, up: tuple[str, str]) -> dict[str, Any]:
        href = f"https://localhost:9398/api/{kind[0].lower()}{kind[1:]}s/{id_}"
        server = identity(self.server, "server")
        links = [
            {"Rel": "Up", "Type": "BackupServerReference", "Href": f"{href}/{server}", "Name": self.server},
            {"Rel": "Up", "Type": up[0], "Href": href, "Name": up[1]},
        ]
        return {
            "Type": kind,
            "Href": f"{href}?format=Entity",
            "Name": name,
            "UID": f"urn:veeam:{kind}:{id_}",
            "Links": links,
        }


def _ratio(percent_left: int) -> float:
    return round(100 / percent_left, 2) if percent_left else 0.0


def _utc(t: float) -> str:
    return datetime.fromtimestamp(t, UTC).replace(tzinfo=None).isoformat() + "Z"


def _error(status: int, message: str) -> Answer:
    return Answer({"Message": message, "StatusCode": status}, status)
