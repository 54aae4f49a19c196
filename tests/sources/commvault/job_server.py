"""A CommServe that knows nothing but its job list."""

from __future__ import annotations

import pytest

from exporter.model import DAY

from .conftest import AT, URL


class Jobs:
    """A CommServe at the moment AT, whose list holds `jobs`, the summaries by id; it keeps what it was asked.

    Its pages hold at most `most` jobs, whatever is asked for.
    """

    def __init__(self, mock):
        self.mock = mock
        self.jobs = {}
        self.most = 1000
        self.newest_first = True
        self.says_total = True
        mock.post(f"{URL}/Jobs", json=self._post)
        mock.get(f"{URL}/Job", json=self._get)

    def add(self, *ids, status="Completed", start=None, end=None, **more):
        for job_id in ids:
            started = AT - 1e4 + job_id if start is None else start
            ended = started + 60 if end is None else end
            known = {"jobId": job_id, "status": status, "jobType": "Data Aging", "isVisible": True}
            moments = {"jobStartTime": started, "jobEndTime": ended if status == "Completed" else 0}
            self.jobs[job_id] = known | moments | more

    @property
    def lookups(self):
        asked = [r.json()["jobFilter"]["completedJobLookupTime"] for r in self.mock.request_history if r.body]
        return [pytest.approx(lookup, abs=2) for lookup in asked]

    @property
    def offsets(self):
        return [r.json()["pagingConfig"]["offset"] for r in self.mock.request_history if r.body]

    def forget_requests(self):
        self.mock.reset_mock()

    def page(self, offset, lookup=50 * DAY):
        wanted = [j for j in self.jobs.values() if j["status"] != "Completed" or j["jobEndTime"] >= AT - lookup]
        listed = sorted(wanted, key=lambda job: job["jobId"], reverse=self.newest_first)
        jobs = [{"jobSummary": job} for job in listed[offset : offset + self.most]]
        total = {"totalRecordsWithoutPaging": len(listed)} if self.says_total or not jobs else {}
        return total | ({"jobs": jobs} if jobs else {})

    def _post(self, request, context):
        asked = request.json()
        return self.page(asked["pagingConfig"]["offset"], asked["jobFilter"]["completedJobLookupTime"])

    def _get(self, request, context):
        return self.page(int(request.qs["offset"][0]), int(request.qs["completedjoblookuptime"][0]))
