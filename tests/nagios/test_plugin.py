"""check_ebbtide as Nagios runs it: one line, performance data, details, and the four exit codes."""

from __future__ import annotations

import socket
import ssl
import subprocess
import sys
import threading
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
import trustme

from exporter.nagios import plugin
from exporter.nagios.fetch import Access, NoAnswer
from tests.conftest import ScriptedServer, url_of
from tests.nagios.conftest import Run, Scripted, answer
from tests.promql import ROOT

PAGE = """\
# HELP ebbtide_pool_free_ratio Free space divided by capacity, 0 to 1.
# TYPE ebbtide_pool_free_ratio gauge
ebbtide_pool_free_ratio{source="cs01",kind="commvault",pool="Apex GDP"} 0.0197
ebbtide_pool_free_ratio{source="cs01",kind="commvault",pool="Gold"} 0.15
ebbtide_pool_free_ratio{source="fs01",kind="filesystem",pool="/"} 0.12
ebbtide_pool_free_bytes{source="cs01",kind="commvault",pool="Apex GDP"} 5e+10
ebbtide_source_up{source="cs01"} 1
ebbtide_collector_interval_seconds{source="cs01",collector="pools"} 3600
ebbtide_collector_success{source="cs01",collector="pools"} 1
ebbtide_config_last_reload_successful 1
"""


@pytest.fixture
def exporter(scripted: Scripted) -> ScriptedServer:
    return scripted(answer(PAGE.encode()))


def test_the_worst_object_is_the_first_line_and_all_are_below(run: Run, exporter: ScriptedServer) -> None:
    code, out = run("pool", "--exporter", exporter.url)
    assert code == 2
    assert out.splitlines() == [
        "POOL CRITICAL: cs01/Apex GDP has 1.97% free (2 of 3 pools not OK) | "
        "'cs01/Apex GDP'=1.97%;20:;10: 'cs01/Gold'=15%;20:;10: 'fs01/'=12%;10:;5:",
        "CRITICAL: cs01/Apex GDP has 1.97% free",
        "WARNING: cs01/Gold has 15.00% free",
        "OK: fs01/ has 12.00% free",
    ]


def test_one_object_is_one_line_with_its_bytes(run: Run, exporter: ScriptedServer) -> None:
    code, out = run("pool", "-u", exporter.url, "-s", "cs*", "-o", "Apex*")
    assert (code, out) == (
        2,
        "POOL CRITICAL: cs01/Apex GDP has 1.97% free | free=50000000000B;;;0 'cs01/Apex GDP'=1.97%;20:;10:\n",
    )


def test_ranges_of_ones_own_are_for_every_object(run: Run, exporter: ScriptedServer) -> None:
    code, out = run("pool", "-u", exporter.url, "-w", "13:", "-c", "1:")
    assert (code, out.split(" | ")[0]) == (1, "POOL WARNING: cs01/Apex GDP has 1.97% free (2 of 3 pools not OK)")


def test_thresholds_of_ones_own_file(run: Run, exporter: ScriptedServer, tmp_path: Path) -> None:
    own = tmp_path / "mine.yaml"
    shipped = (ROOT / "rules/thresholds.yaml").read_text()
    rule = 'record: "severity:ebbtide_pool_free_ratio:threshold", labels: {severity: critical}, expr: vector'
    assert f"{rule}(0.10)" in shipped
    own.write_text(shipped.replace(f"{rule}(0.10)", f"{rule}(0.16)"))
    code, out = run("pool", "-u", exporter.url, "--thresholds", str(own), "-o", "Gold")
    assert (code, out.partition(" |")[0]) == (2, "POOL CRITICAL: cs01/Gold has 15.00% free")


def test_a_threshold_may_be_infinite(run: Run, exporter: ScriptedServer, tmp_path: Path) -> None:
    rule = 'record: "severity:ebbtide_pool_free_ratio:threshold", labels: {severity: critical}, expr: vector'
    shipped = (ROOT / "rules/thresholds.yaml").read_text()
    assert f"{rule}(0.10)" in shipped
    (tmp_path / "thresholds.yaml").write_text(shipped.replace(f"{rule}(0.10)", f"{rule}(-Inf)"))
    code, out = run("pool", "-u", exporter.url, "--thresholds", str(tmp_path / "thresholds.yaml"))
    assert (code, out.partition(":")[0]) == (1, "POOL WARNING")


def test_without_a_threshold_nothing_is_called_well(run: Run, exporter: ScriptedServer, tmp_path: Path) -> None:
    own = tmp_path / "mine.yaml"
    own.write_text("groups: []")
    code, out = run("pool", "-u", exporter.url, "--thresholds", str(own))
    assert (code, out) == (
        3, "POOL UNKNOWN: there is no threshold of ebbtide_pool_free_ratio; are the rules loaded?\n"
    )  # fmt: skip


@pytest.mark.parametrize(
    "content", ["groups: 7", "a: [", "groups: [{rules: [{record: 'severity:x:threshold', expr: up}]}]"]
)
def test_a_file_that_holds_no_thresholds_is_unknown(
    run: Run, exporter: ScriptedServer, tmp_path: Path, content: str
) -> None:
    own = tmp_path / "mine.yaml"
    own.write_text(content)
    for path in (own, tmp_path / "none.yaml"):
        code, out = run("pool", "-u", exporter.url, "--thresholds", str(path))
        assert (code, out.startswith(f"POOL UNKNOWN: {path}: ")) == (3, True)


def test_what_nobody_knows_is_unknown(run: Run, exporter: ScriptedServer) -> None:
    code, out = run("veeam-job", "-u", exporter.url)
    assert (code, out) == (3, "VEEAM-JOB UNKNOWN: no jobs are known\n")


def test_data_that_is_too_old_is_unknown_but_hides_no_evil(run: Run, scripted: Scripted) -> None:
    stale = PAGE.replace(
        'collector_success{source="cs01",collector="pools"} 1', 'collector_success{source="cs01",collector="pools"} 0'
    )
    server = scripted(answer(stale.encode()))
    assert run("pool", "-u", server.url)[0] == 2
    code, out = run("pool", "-u", server.url, "-w", "~:", "-c", "~:")
    assert code == 3
    assert out.startswith("POOL UNKNOWN: cs01/pools has never succeeded |")


@pytest.mark.parametrize(
    ("reply", "says"),
    [
        (answer(b"no", "503 Service Unavailable"), "answered 503"),
        (answer(b"no", "401 Unauthorized"), "refused: user or password"),
        (answer(b"", "302 Found\r\nLocation: http://127.0.0.1:9/"), "answered 302"),
        (answer(b"ebbtide_pool_free_ratio{ 1"), "not a page of metrics"),
        (b"nonsense\r\n\r\n", "nonsense"),
    ],
)
def test_an_answer_that_is_none_is_unknown(run: Run, scripted: Scripted, reply: bytes, says: str) -> None:
    code, out = run("pool", "-u", scripted(reply).url)
    assert (code, out.startswith("POOL UNKNOWN: http://127.0.0.1:"), says in out) == (3, True, True)
    assert out.count("\n") == 1


def test_a_prometheus_that_answers_something_else_is_unknown(run: Run, scripted: Scripted) -> None:
    scalar = answer(b'{"status": "success", "data": {"resultType": "scalar", "result": [1, "1"]}}')
    code, out = run("pool", "-p", scripted(scalar).url)
    assert (code, "the answer is no instant vector" in out) == (3, True)


def test_a_server_that_says_nothing_is_not_waited_for(scripted: Scripted) -> None:
    url = scripted(lambda connection: connection.recv(1)).url
    with pytest.raises(NoAnswer, match=r"did not answer in time$") as error:
        Access(timeout=0.1).get(url)
    assert error.value.silent


def test_an_exporter_that_is_gone_is_critical_where_it_is_asked_for_itself(run: Run) -> None:
    assert run("exporter", "-u", "http://127.0.0.1:1")[0] == 2
    assert run("pool", "-u", "http://127.0.0.1:1")[0] == 3
    assert run("exporter", "-p", "http://127.0.0.1:1")[0] == 3


def test_an_exporter_that_answers(run: Run, exporter: ScriptedServer) -> None:
    code, out = run("exporter", "-u", exporter.url)
    assert (code, out) == (0, "EXPORTER OK: exporter answers | sources=1;;;0 sources_down=0;;;0\n")


def test_an_answer_that_drips_ends_in_time(run: Run, scripted: Scripted) -> None:
    def drip(connection: Any) -> None:
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n")
        connection.recv(1)

    url = scripted(drip).url
    assert run("pool", "-u", url, "-t", "0.2") == (3, "POOL UNKNOWN: no answer in time\n")
    # The exporter itself is what hangs, and Prometheus could not scrape it either.
    assert run("exporter", "-u", url, "-t", "0.2") == (2, "EXPORTER CRITICAL: no answer in time\n")
    assert run("exporter", "-p", url, "-t", "0.2") == (3, "EXPORTER UNKNOWN: no answer in time\n")


def test_a_name_with_any_sign_is_one_line_of_the_page(run: Run, scripted: Scripted) -> None:
    page = PAGE + 'ebbtide_pool_free_ratio{source="cs01",kind="commvault",pool="A\x85B\u2028C\rD"} 0.01\n'
    code, out = run("pool", "-u", scripted(answer(page.encode())).url, "-o", "A*D")
    assert code == 2
    assert out.startswith("POOL CRITICAL: cs01/A B C D has 1.00% free | 'cs01/A B C D'=1%")


def test_user_and_password_come_from_a_file(run: Run, exporter: ScriptedServer, tmp_path: Path) -> None:
    file = tmp_path / "auth"
    file.write_text("nagios:s3cret\n")
    assert run("pool", "-u", exporter.url, "-a", str(file))[0] == 2
    assert b"Authorization: Basic bmFnaW9zOnMzY3JldA==" in exporter.asked[-1]
    file.write_text("s3cret")
    code, out = run("pool", "-u", exporter.url, "-a", str(file))
    assert (code, out) == (3, f"POOL UNKNOWN: {file}: the first line is not user:password\n")
    code, out = run("pool", "-u", exporter.url, "-a", "/nowhere")
    assert (code, out) == (3, "POOL UNKNOWN: /nowhere: cannot be read\n")


def test_a_certificate_is_verified_unless_told_otherwise(run: Run, tmp_path: Path) -> None:
    ca = trustme.CA()
    ca.cert_pem.write_to_path(tmp_path / "ca.pem")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    ca.issue_cert("127.0.0.1").configure_cert(context)
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def serve() -> None:
            for _ in range(3):
                plain, _ = listening.accept()
                with suppress(OSError), context.wrap_socket(plain, server_side=True) as connection:
                    connection.recv(65536)
                    connection.sendall(answer(PAGE.encode()))

        thread = threading.Thread(target=serve)
        thread.start()
        url = url_of(listening).replace("http:", "https:")
        assert "certificate" in run("pool", "-u", url)[1]
        assert run("pool", "-u", url, "--insecure")[0] == 2
        assert run("pool", "-u", url, "--ca-file", str(tmp_path / "ca.pem"))[0] == 2
        thread.join()
    code, out = run("pool", "-u", url, "--ca-file", "/nowhere")
    assert (code, out) == (3, "POOL UNKNOWN: /nowhere: no file of CA certificates\n")


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["pool"], "say whom to ask"),
        (["pool", "-u", "http://a", "-p", "http://b"], "say whom to ask"),
        (["nothing", "-u", "http://a"], "invalid choice: 'nothing'"),
        (["pool", "Name", "-u", "http://a"], "alert needs the NAME of an alert"),
        (["alert", "-p", "http://a"], "alert needs the NAME of an alert"),
        (["alert", 'X"', "-p", "http://a"], "is no name of an alert"),
        (["alert", "X", "-u", "http://a"], "the exporter knows no alerts"),
        (["pool", "-A", "http://a"], "--alertmanager is only for alert NAME"),
        (["pool", "-u", "http://a", "-w", "20:10"], "'20:10' is no range"),
        (["pool", "-u", "http://a", "-t", "soon"], "'soon' is no number of seconds"),
        (["pool", "-u", "a:9877"], "'a:9877' is no URL"),
        (["pool", "-u", "file:///etc/passwd"], "is no URL"),
        (["pool", "-p", "http://[::1"], "'http://[::1' is no URL"),
        (["pool", "-u", "http://user:s3cret@a"], "belong into the file of --auth-file"),
        (["alert", "X", "-A", "https://user:s3cret@a"], "belong into the file of --auth-file"),
    ],
)
def test_a_wrong_command_line_is_unknown(run: Run, arguments: list[str], says: str) -> None:
    code, out = run(*arguments)
    assert (code, out.startswith("EBBTIDE UNKNOWN: "), says in out) == (3, True, True)
    assert "s3cret" not in out


def test_help_and_version_are_unknown_too(run: Run) -> None:
    code, out = run("--help")
    assert (code, "pending-deletes" in out) == (3, True)
    assert run("--version")[0] == 3


def test_what_nobody_thought_of_is_unknown(run: Run, exporter: ScriptedServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(plugin, "from_page", lambda *_: 1 / 0)
    assert run("pool", "-u", exporter.url) == (3, "POOL UNKNOWN: ZeroDivisionError: division by zero\n")


def test_the_program_is_installed_and_light() -> None:
    heavy = "('numpy', 'pydantic', 'requests', 'typer')"
    code = f"import sys, exporter.nagios.plugin; print([m for m in {heavy} if m in sys.modules])"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "[]\n"
    program = Path(sys.executable).with_name("check_ebbtide")
    done = subprocess.run([program, "pool", "-u", "http://127.0.0.1:1"], capture_output=True, text=True, timeout=30)
    assert (done.returncode, done.stdout[:13]) == (3, "POOL UNKNOWN:")
