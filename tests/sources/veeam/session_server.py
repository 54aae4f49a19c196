"""A VBR that has sessions and jobs, as far as the collector of sessions asks for them."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

API = "/api/v1"
JOB = "22222222-0000-0000-0000-000000000001"


def told(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).isoformat()


def session_id(number: int) -> str:
    return str(UUID(int=(0x33333333 << 96) + number))


class VbrSessions:
    """newest_first: whether it heeds the order that it is asked for; most: rows on a page, whatever `limit` says."""

    def __init__(self, mock: Any, payload: Any) -> None:
        self.mock = mock
        self.rows: dict[str, dict[str, Any]] = {}
        self.states: list[dict[str, Any]] = [{"id": JOB, "name": "Web"}]
        self.tasks: dict[str, list[dict[str, Any]]] = {}
        self.newest_first, self.most = True, 500
        mock.post("/api/oauth2/token", json=payload("veeam-1.3/token"))
        mock.get(f"{API}/serverTime", json=payload("veeam-1.3/serverTime"))
        mock.get(f"{API}/jobs/states", json=lambda request, _: self._page(request, self.states))
        mock.get(f"{API}/sessions", json=self._sessions)

    def add(self, *numbers: int, end: float, took: float = 600.0, result: str = "Success", **more: Any) -> None:
        """Sessions that ended one second after the other."""
        for place, number in enumerate(numbers):
            self.rows[session_id(number)] = {
                "id": session_id(number), "name": "Web", "sessionType": "BackupJob", "state": "Stopped", "jobId": JOB,
                "creationTime": told(end + place - took), "endTime": told(end + place), "usn": number,
                "result": {"result": result, "isCanceled": False}, **more,
            }  # fmt: skip

    def run(self, number: int, begin: float) -> None:
        self.add(number, end=begin, took=0, state="Working", result="None", endTime=None)

    @property
    def asked(self) -> list[dict[str, str]]:
        """The parameters of the requests for sessions, in order."""
        return [
            {name: values[0] for name, values in request.qs.items()}
            for request in self.mock.request_history
            if request.path == f"{API}/sessions"
        ]

    @property
    def calls(self) -> list[str]:
        return [request.path for request in self.mock.request_history if request.method == "GET"]

    def forget_requests(self) -> None:
        self.mock.reset_mock()

    def _sessions(self, request: Any, _: Any) -> Any:
        rows = list(self.rows.values())
        if after := request.qs.get("endedafterfilter"):
            since = datetime.fromisoformat(after[0].upper())
            rows = [r for r in rows if r["endTime"] and datetime.fromisoformat(r["endTime"]) >= since]
        if state := request.qs.get("statefilter"):
            rows = [r for r in rows if r["state"].lower() == state[0]]
        rows.sort(key=lambda r: r["endTime"] or "", reverse=self.newest_first)
        return self._page(request, rows)

    def _page(self, request: Any, rows: list[dict[str, Any]]) -> Any:
        skip, limit = int(request.qs["skip"][0]), min(int(request.qs["limit"][0]), self.most)
        return {"data": rows[skip : skip + limit], "pagination": {"total": len(rows)}}
