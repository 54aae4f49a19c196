"""What a check finds out about a source: what answered, what is refused or lacking, and what it never does."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from exporter import check as checking
from exporter.check import Checked, Step
from exporter.config import parse
from exporter.errors import ConfigError
from exporter.model import Collector, Poll, Source
from exporter.simulator.clock import Clock
from exporter.simulator.commserve import CommServe
from exporter.simulator.estate import Estate
from exporter.simulator.vbr import Vbr
from exporter.simulator.vbr_estate import VbrEstate
from exporter.simulator.wire import Answer, Fault, Request, Server
from exporter.sources import KINDS
from exporter.telemetry import Telemetry
from tests.conftest import FakeSource

NOW = 1_790_000_000.0
PASSWORD = "correct horse battery staple"
TOKEN = "example-access-token"
ENGINES = "POST /Qcommand/qoperation%20execute"


@dataclass
class Bench:
    folder: Path
    estate: Estate
    clock: Clock

    def source(self, server: Server, kind: str = "commvault", login: str = "") -> Source:
        base = "/webconsole/api" if kind == "commvault" else ""
        login = login or f"username: svc-ebbtide, password_file: {self.folder}/password"
        config = parse(f"sources: [{{name: src, kind: {kind}, url: '{server.url}{base}', {login}}}]")
        return KINDS[kind](config.sources[0], Telemetry())

    def check(self, server: Server, kind: str = "commvault", login: str = "") -> Checked:
        source = self.source(server, kind, login)
        checked = checking.check(source, NOW)
        source.close()
        return checked

    @property
    def token(self) -> str:
        return f"token_file: {self.folder}/token"


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Bench:
    folder = tmp_path_factory.mktemp("secrets")
    (folder / "password").write_text(PASSWORD)
    (folder / "token").write_text(TOKEN)
    clock = Clock(start=NOW, rate=0)
    return Bench(folder, Estate("small", clock, age=3 * 86400.0), clock)


def commserve(bench: Bench, generation: str = "v4") -> CommServe:
    return CommServe(
        bench.estate, bench.clock, username="svc-ebbtide", password=PASSWORD, access_token=TOKEN, generation=generation
    )


@pytest.fixture
def server(bench: Bench) -> Iterator[Server]:
    with Server(commserve(bench)) as one:
        yield one


@pytest.fixture
def old_server(bench: Bench) -> Iterator[Server]:
    with Server(commserve(bench, "v2")) as one:
        yield one


@pytest.fixture
def vbr(bench: Bench) -> Iterator[Server]:
    estate = VbrEstate("small", bench.clock, days=5)
    with Server(Vbr(estate, bench.clock, username="svc-ebbtide", password=PASSWORD)) as one:
        yield one


def step(checked: Checked, name: str) -> Step:
    [found] = [one for one in checked.collectors if one.name == name]
    return found


def notes(one: Step) -> dict[str, str]:
    return {asked.endpoint: asked.note for asked in one.requests}


def test_every_collector_says_what_it_asked_and_what_came(bench: Bench, server: Server) -> None:
    checked = bench.check(server)
    assert checked.works
    assert checked.missing == ()
    assert checked.host == server.url.removeprefix("http://")
    assert checked.login is not None
    assert [(one.endpoint, one.status) for one in checked.login.requests] == [("POST /Login", 200)]
    pools = step(checked, "pools")
    assert (pools.outcome, pools.objects) == ("ok", len(bench.estate.pools))
    [asked] = pools.requests
    assert (asked.endpoint, asked.status, asked.times, asked.note) == ("GET /StoragePool", 200, 1, "")
    assert asked.bytes > 1000
    assert 0 < asked.seconds < 10


def test_requests_for_one_object_each_are_told_together(bench: Bench, server: Server) -> None:
    stores = step(bench.check(server), "dedup_stores")
    one_each = stores.requests[-1]
    assert one_each.endpoint == "GET /DDBInformation/{id}"
    assert one_each.times == stores.objects
    assert stores.objects


def test_jobs_are_asked_for_once_however_many_there_are(bench: Bench, server: Server) -> None:
    jobs = step(bench.check(server), "jobs")
    assert [(asked.endpoint, asked.times) for asked in jobs.requests] == [("POST /Jobs", 1)]
    assert jobs.requests[0].bytes < 100_000


def test_one_copy_stands_for_all(bench: Bench, server: Server) -> None:
    retained = step(bench.check(server, login=f"{bench.token}, retained_jobs: true"), "retained_jobs")
    assert (retained.outcome, retained.objects) == ("ok", 1)
    assert [(asked.endpoint, asked.times) for asked in retained.requests] == [
        ("GET /Plan", 1),
        ("GET /V4/Plan/BackupDestination/{id}/Jobs", 1),
    ]


def test_nothing_but_the_login_is_asked_outside_the_collectors(bench: Bench, server: Server) -> None:
    checked = bench.check(server)
    assert checked.login is not None
    told = sum(asked.times for one in (checked.login, *checked.collectors) for asked in one.requests)
    assert told == len([path for _, path in server.requests if not path.endswith("/Logout")])


def test_a_refused_collector_names_the_permission_and_the_others_go_on(bench: Bench) -> None:
    application = commserve(bench)
    application.deny("qcommand")
    with Server(application) as server:
        checked = bench.check(server)
    assert checked.missing == ("dedup_stores",)
    refused = step(checked, "dedup_stores")
    assert refused.outcome == "refused"
    assert refused.error == (
        f"{ENGINES}: refused (Commvault error 5): access denied; "
        "needed: View on the CommCell, and Execute for QCommands"
    )
    [asked] = refused.requests
    assert (asked.status, asked.refused) == (200, True)


@pytest.mark.parametrize("status", ["200", "403"])
def test_a_refused_detail_is_told_though_the_collector_works(bench: Bench, status: str) -> None:
    application = commserve(bench)
    with Server(application) as server:
        if status == "200":
            application.deny("license")
        else:
            server.faults.set(Fault(status, "license"))
        checked = bench.check(server)
    assert checked.works
    note = notes(step(checked, "commcell"))["GET /V4/License"]
    assert note.startswith("refused")
    assert note.endswith("needed: View on the CommCell")


def test_what_a_release_lacks_is_named_with_what_served_instead(bench: Bench, old_server: Server) -> None:
    checked = bench.check(old_server)
    agents = step(checked, "media_agents")
    assert agents.outcome == "ok"
    assert notes(agents) == {
        "GET /V4/mediaAgent": "not in this release; GET /V2/MediaAgents instead",
        "GET /V2/MediaAgents": "",
    }
    assert notes(step(checked, "commcell"))["GET /V4/License"] == "not in this release"


def test_one_object_that_is_gone_is_not_a_call_that_the_release_lacks(bench: Bench) -> None:
    application = commserve(bench)
    gone: list[str] = []

    def without_one(request: Request) -> Answer:
        if "/DDBInformation/" in request.path and not gone:
            gone.append(request.path)
            return Answer({}, 404)
        return application(request)

    with Server(without_one) as server:
        stores = step(bench.check(server), "dedup_stores")
    assert gone
    assert [(asked.status, asked.note) for asked in stores.requests[1:]] == [(404, ""), (200, "")]


def test_an_answer_without_objects_hints_at_the_permission(bench: Bench, server: Server) -> None:
    windows = step(bench.check(server), "operation_windows")
    assert (windows.outcome, windows.objects) == ("ok", 0)
    assert windows.hint == "nothing is visible; if there is any, needed: View on the CommCell"


def test_a_wrong_password_is_tried_once_and_nothing_else_is_asked(bench: Bench, tmp_path: Path, server: Server) -> None:
    (tmp_path / "wrong").write_text("hunter2 is not it")
    checked = bench.check(server, login=f"username: svc-ebbtide, password_file: {tmp_path}/wrong")
    assert checked.login is not None
    assert checked.login.outcome == "refused"
    assert checked.login.error.startswith("POST /Login: refused")
    assert {one.outcome for one in checked.collectors} == {"skipped"}
    assert [path.rpartition("/")[2] for _, path in server.requests] == ["Login"]
    assert "hunter2" not in repr(checked)


def test_an_access_token_that_is_not_accepted_shows_as_a_refused_login(
    bench: Bench, tmp_path: Path, server: Server
) -> None:
    (tmp_path / "old").write_text("expired-access-token")
    checked = bench.check(server, login=f"token_file: {tmp_path}/old")
    assert checked.login is not None
    assert (checked.login.outcome, checked.login.requests) == ("refused", ())
    assert "credentials are not accepted" in checked.login.error
    assert {one.outcome for one in checked.collectors[1:]} == {"skipped"}
    assert "expired-access-token" not in repr(checked)


def test_an_access_token_needs_no_login(bench: Bench, server: Server) -> None:
    checked = bench.check(server, login=bench.token)
    assert checked.works
    assert checked.login is not None
    assert checked.login.hint == "an access token: no login is needed"


def test_a_source_that_never_answers_is_asked_for_one_collector_only(bench: Bench, server: Server) -> None:
    server.stop()
    source = bench.source(server, login=bench.token)
    source.client.http._backoff = 0.001
    checked = checking.check(source, NOW)
    source.close()
    assert checked.login is not None
    assert checked.login.outcome == "unreachable"
    first, *others = checked.collectors
    assert first.outcome == "unreachable"
    assert [(one.status, one.times) for one in first.requests] == [(None, 3)]
    assert {one.outcome for one in others} == {"skipped"}


def test_one_endpoint_that_fails_is_no_reason_to_skip_the_rest(bench: Bench, server: Server) -> None:
    server.faults.set(Fault("500", "/StoragePool"))
    checked = bench.check(server)
    assert checked.missing == ("pools",)
    assert step(checked, "pools").outcome == "unreachable"


def test_a_garbled_answer_names_its_endpoint(bench: Bench, server: Server) -> None:
    server.faults.set(Fault("html", "/StoragePool"))
    pools = step(bench.check(server), "pools")
    assert pools.outcome == "garbled"
    assert notes(pools)["GET /StoragePool"].startswith("not valid JSON")
    assert pools.error == f"GET /StoragePool: {notes(pools)['GET /StoragePool']}"


def test_veeam_is_checked_alike(bench: Bench, vbr: Server) -> None:
    vbr.faults.set(Fault("403", "/backupFiles"))
    checked = bench.check(vbr, "veeam")
    assert checked.login is not None
    assert [one.endpoint for one in checked.login.requests] == ["POST /api/oauth2/token"]
    assert checked.missing == ("backups",)
    assert step(checked, "backups").error.endswith("needed: the role Veeam Backup Viewer")
    assert step(checked, "pools").objects


def test_what_lies_beside_the_server_fails_alone(bench: Bench, vbr: Server, server: Server) -> None:
    """Of an Enterprise Manager that refuses the password nothing follows for the server, and the other way round."""
    account = f"username: svc-ebbtide, password_file: {bench.folder}/password"
    beside = f"drop_file: {{path: {bench.folder}/none.json}}, enterprise_manager: {{url: '{server.url}', {account}}}"
    vbr.faults.clear()
    server.faults.set(Fault("401", "/api/sessionMngr/"))
    checked = bench.check(vbr, "veeam", f"{account}, {beside}")
    assert checked.login is not None
    assert checked.login.outcome == "ok"
    assert checked.missing == ("drop_file", "enterprise_manager")

    (bench.folder / "none.json").write_text("[]")
    vbr.faults.set(Fault("401", "/api/oauth2/token"))
    checked = bench.check(vbr, "veeam", f"{account}, {beside}")
    assert checked.login is not None
    assert checked.login.outcome == "refused"
    assert step(checked, "drop_file").outcome == "ok"
    (bench.folder / "none.json").unlink()


def test_what_the_role_leaves_out_is_told_and_is_nothing_missing(bench: Bench, vbr: Server) -> None:
    checked = bench.check(vbr, "veeam")
    assert {one.name for one in checked.collectors if one.outcome == "not_asked"} == {
        "license", "configuration_backup", "best_practices",
    }  # fmt: skip
    licence = step(checked, "license")
    assert licence.hint == (
        "not asked, because of `role` in the configuration; needed: the role Veeam Backup Administrator"
    )
    assert licence.requests == ()
    assert "license" not in checked.missing


def test_a_viewer_taken_for_an_administrator_is_told_what_the_build_needs(bench: Bench, vbr: Server) -> None:
    account = f"username: svc-ebbtide, password_file: {bench.folder}/password, role: backup_administrator"
    told = notes(step(bench.check(vbr, "veeam", account), "veeam_server"))["GET /api/v1/serverInfo"]
    assert told.startswith("refused; needed: ")
    assert told.endswith("for the build from VBR 12.2 on Veeam Backup Administrator")


def test_what_a_revision_lacks_is_told_and_is_nothing_missing(bench: Bench) -> None:
    estate = VbrEstate("small", bench.clock, days=5)
    application = Vbr(estate, bench.clock, username="svc-ebbtide", password=PASSWORD, newest_revision="1.1-rev0")
    with Server(application) as server:
        checked = bench.check(server, "veeam")
    assert checked.works
    events = step(checked, "malware_events")
    assert (events.outcome, events.error, events.objects) == ("not_offered", "", None)
    assert events.hint == (
        "GET /api/v1/malwareDetection/events: exists from VBR 12.1 (REST 1.1-rev1) on; this server speaks 1.1-rev0"
    )
    assert step(checked, "pools").outcome == "ok"


def test_a_filesystem_has_collectors_and_no_login() -> None:
    source = KINDS["filesystem"](parse("sources: [{name: here, kind: filesystem}]").sources[0], Telemetry())
    checked = checking.check(source, NOW)
    source.close()
    assert checked.login is None
    assert checked.works
    assert [one.name for one in checked.collectors] == ["mounts"]


def test_secrets_never_appear(bench: Bench, server: Server, vbr: Server, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG, "exporter")
    told = "".join(
        repr(checked)
        for checked in (bench.check(server), bench.check(server, login=bench.token), bench.check(vbr, "veeam"))
    )
    for secret in (PASSWORD, TOKEN, "QSDK", "Bearer"):
        assert secret not in told + caplog.text


def test_the_observer_is_taken_off_again(bench: Bench, server: Server) -> None:
    source = bench.source(server)
    checking.check(source, NOW)
    assert source.client.http.observer is None
    source.close()


def test_a_wrong_configuration_and_a_bug_of_one_collector_spare_the_others(caplog: pytest.LogCaptureFixture) -> None:
    def wrong(client: object, poll: Poll) -> None:
        raise ConfigError("logs: there is no such directory")

    def bug(client: object, poll: Poll) -> None:
        raise ZeroDivisionError

    def fine(client: object, poll: Poll) -> tuple[str, ...]:
        assert (poll.at, poll.since) == (NOW, NOW - 60)
        return ("one",)

    collectors = tuple(Collector(fetch.__name__, fetch, 60.0) for fetch in (wrong, bug, fine))
    checked = checking.check(FakeSource(collectors), NOW)
    assert [(one.outcome, one.error) for one in checked.collectors] == [
        ("config", "logs: there is no such directory"),
        ("bug", "unexpected ZeroDivisionError, see the log"),
        ("ok", ""),
    ]
    assert "ZeroDivisionError" in caplog.text
