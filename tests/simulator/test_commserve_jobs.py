"""The job history of the simulated CommServe in pages."""

from exporter.simulator import CommServe, Estate
from exporter.simulator.sizes import DAY, HOUR

from .commserve_client import PASSWORD, Client

JOB_FIELDS = {
    "jobId",
    "status",
    "localizedStatus",
    "jobType",
    "localizedOperationName",
    "isVisible",
    "percentComplete",
    "jobStartTime",
    "jobEndTime",
    "lastUpdateTime",
    "jobElapsedTime",
    "sizeOfApplication",
    "sizeOfMediaOnDisk",
    "subclient",
}


def ids(answer):
    return [job["jobSummary"]["jobId"] for job in answer.get("jobs", [])]


def test_every_job_is_on_one_page(client):
    found, offset = [], 0
    while page := ids(client.jobs(offset, 200, completedJobLookupTime=15 * DAY, hideAdminJobs=False)):
        found += page
        offset += 200
    assert len(found) == len(set(found)) > 1000
    assert found == sorted(found, reverse=True)


def test_the_list_moves_while_it_is_paged(client, clock):
    first = client.jobs(0, 50, hideAdminJobs=False)
    clock.advance(HOUR)
    second = client.jobs(50, 50, hideAdminJobs=False)
    assert second["totalRecordsWithoutPaging"] > first["totalRecordsWithoutPaging"]
    assert set(ids(first)) & set(ids(second))


def test_admin_jobs_are_hidden_unless_asked_for(client):
    def types(**filters):
        answer = client.jobs(limit=1000, completedJobLookupTime=2 * DAY, **filters)
        return {job["jobSummary"]["jobType"] for job in answer["jobs"]}

    assert types() <= {"Backup", "Synthetic Full"}
    assert types(hideAdminJobs=False) >= {"Data Aging", "DDB Backup", "CS DR Backup", "Auxiliary Copy"}


def test_a_summary_has_the_documented_fields(client):
    rows = [job["jobSummary"] for job in client.jobs(limit=500, hideAdminJobs=False)["jobs"]]
    for row in rows:
        assert set(row) >= JOB_FIELDS
        assert "plan" not in row
        assert (row["jobEndTime"] == 0) == (row["status"] == "Running")
        assert ("backupLevelName" in row) == (row["jobType"] in ("Backup", "Synthetic Full"))
    levels = {(row["backupLevelName"], row["backupLevel"]) for row in rows if "backupLevel" in row}
    assert levels == {("Full", 1), ("Incremental", 2), ("Synthetic Full", 64)}


def test_none_is_no_key(client):
    answer = client.jobs(statusList=["No Run"])
    assert answer["totalRecordsWithoutPaging"] == 0
    assert "jobs" not in answer
    assert "processinginstructioninfo" in answer


def test_filters_by_category_type_status_and_client(client):
    def rows(**filters):
        return [job["jobSummary"] for job in client.jobs(limit=5000, hideAdminJobs=False, **filters)["jobs"]]

    assert {row["status"] for row in rows(category=1)} == {"Running"}
    assert "Running" not in {row["status"] for row in rows(category=2)}
    assert {row["jobType"] for row in rows(jobTypeList=["Data Aging"])} == {"Data Aging"}
    assert {row["status"] for row in rows(statusList=["Failed"])} == {"Failed"}
    assert {row["subclient"]["clientId"] for row in rows(clientList=[{"clientId": 5003}])} == {5003}


def test_get_job_pages_by_headers_or_parameters(client):
    window = "Job?completedJobLookupTime=86400"
    everything = client.get(window, limit="5000")
    total = everything["totalRecordsWithoutPaging"]
    assert total == len(ids(everything)) > 50
    assert len(ids(client.get(window))) == min(100, total)
    assert ids(client.get(window + "&offset=10&limit=5")) == ids(everything)[10:15]
    assert ids(client.get(window, offset="10", limit="5")) == ids(everything)[10:15]


def test_get_job_without_a_window_means_a_year(client):
    assert client.get("Job")["totalRecordsWithoutPaging"] > 5000


def test_get_job_shows_admin_jobs_only_with_a_filter_and_when_asked(client):
    def types(query):
        path = f"Job?completedJobLookupTime=172800&limit=1000{query}"
        return {job["jobSummary"]["jobType"] for job in client.get(path).get("jobs", [])}

    assert "Data Aging" not in types("")
    assert "Data Aging" not in types("&jobFilter=")
    assert "Data Aging" in types("&jobFilter=&hideAdminJobs=false")
    assert types("&jobFilter=PRUNE&hideAdminJobs=false") == {"Data Aging"}
    assert types("&jobFilter=11,synthfull&hideAdminJobs=false") == {"CS DR Backup", "Synthetic Full"}
    assert client.ask("Job?jobFilter=NONSENSE").status == 400


def test_one_job_by_its_number(client):
    newest = client.jobs(limit=1)["jobs"][0]
    assert client.get(f"Job/{newest['jobSummary']['jobId']}")["jobs"] == [newest]
    assert client.get("Job/1")["errorCode"] == 2


def test_a_big_estate_answers_any_page(clock):
    estate = Estate("documents", clock)
    client = Client(CommServe(estate, clock, password=PASSWORD))
    for offset in (0, 500_000, 999_000):
        page = client.jobs(offset, 100, hideAdminJobs=False)
        assert page["totalRecordsWithoutPaging"] > 1_000_000
        assert len(ids(page)) == 100
    assert len(client.get("V4/mediaAgent")["mediaAgents"]) == 243
    assert len(client.get("StoragePool")["storagePoolList"]) == 75
    assert sum(plan["numCopies"] for plan in client.get("Plan")["plans"]) == 500
