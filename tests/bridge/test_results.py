"""The state of a service is that of the worst alert that fires for it."""

from __future__ import annotations

from typing import Any

import pytest

from exporter.bridge.alerts import Unreadable, parse
from exporter.bridge.nagios import command
from exporter.bridge.outbox import Outbox
from exporter.bridge.results import Board, Result, from_json
from tests.bridge.webhooks import WATCHDOG, alert, webhook


def told(
    outbox: Outbox, board: Board, *alerts: dict[str, Any], receiver: str = "nagios", at: float = 1000.0
) -> list[Result]:
    """What a notification puts into the queue, which is emptied."""
    with outbox.transaction() as transaction:
        board.take(transaction, parse(webhook(*alerts)), at)
    messages = outbox.next(receiver)
    outbox.strike_off(receiver, [message.id for message in messages])
    return [from_json(message.body) for message in messages]


@pytest.fixture
def board() -> Board:
    return Board(["nagios"], [("cs01", "EbbtidePoolNearlyFull"), ("cs01", "EbbtideNoPruning")], 90_000.0)


def test_an_alert_and_its_end(outbox: Outbox, board: Board) -> None:
    [begins] = told(outbox, board, alert())
    assert (begins.host, begins.service, begins.state) == ("cs01", "EbbtidePoolNearlyFull", 2)
    assert begins.output == "CRITICAL: Pool Apex GDP of cs01 has 1.97% free."
    assert begins.performance == "firing=1;;;0"
    [ends] = told(outbox, board, alert(status="resolved"))
    assert (ends.state, ends.output, ends.performance) == (0, "OK: does not fire", "firing=0;;;0")


def test_the_end_of_one_is_not_the_end_of_the_other(outbox: Outbox, board: Board) -> None:
    [both] = told(outbox, board, alert("f1"), alert("f2", pool="Gold", severity="warning"))
    assert both.state == 2
    assert both.output.split("\n") == [
        "CRITICAL: 2 fire; Pool Apex GDP of cs01 has 1.97% free.",
        "Pool Apex GDP of cs01 has 1.97% free.",
        "Pool Gold of cs01 has 1.97% free.",
    ]
    [one] = told(outbox, board, alert("f1", status="resolved"))
    assert (one.state, one.output) == (1, "WARNING: Pool Gold of cs01 has 1.97% free.")


@pytest.mark.parametrize(
    ("severity", "state"), [("critical", 2), ("warning", 1), ("info", 0), ("none", 0), ("page", 1)]
)
def test_a_severity_is_a_state(outbox: Outbox, board: Board, severity: str, state: int) -> None:
    [result] = told(outbox, board, alert(severity=severity))
    assert result.state == state
    assert result.output.endswith("Pool Apex GDP of cs01 has 1.97% free.")


def test_what_is_about_no_source_has_a_host_of_its_own(outbox: Outbox, board: Board) -> None:
    [result] = told(outbox, board, alert(alertname="EbbtideExporterDown", source=""))
    assert (result.host, result.service) == ("ebbtide", "EbbtideExporterDown")


def test_with_the_watchdog_every_state_is_told_again(outbox: Outbox, board: Board) -> None:
    told(outbox, board, alert(alertname="EbbtideSourceDown", severity="warning"))
    again = {(r.host, r.service): r.state for r in told(outbox, board, WATCHDOG)}
    assert again == {
        ("ebbtide", "EbbtideWatchdog"): 0,
        ("cs01", "EbbtideNoPruning"): 0,
        ("cs01", "EbbtidePoolNearlyFull"): 0,
        ("cs01", "EbbtideSourceDown"): 1,
    }


def watched(outbox: Outbox, board: Board, begin: int, end: int) -> list[Result]:
    """What is told of NearlyFull while the watchdog comes every five minutes."""
    found = [r for at in range(begin, end, 300) for r in told(outbox, board, WATCHDOG, at=at)]
    return [r for r in found if r.service == "EbbtidePoolNearlyFull"]


def test_what_ended_under_a_silence_ends_when_it_is_not_repeated(outbox: Outbox, board: Board) -> None:
    told(outbox, board, alert("silenced"))
    assert {r.state for r in watched(outbox, board, 1300, 50_000)} == {2}
    told(outbox, board, alert("repeated", severity="warning"), at=50_000.0)
    assert {r.state for r in watched(outbox, board, 50_300, 91_000)} == {2}
    assert {r.state for r in watched(outbox, board, 91_300, 140_000)} == {1}
    assert watched(outbox, board, 140_300, 141_000)[-1].state == 0


def test_after_an_outage_nothing_ends_before_it_could_be_repeated(outbox: Outbox, board: Board) -> None:
    told(outbox, board, alert())
    assert {r.state for r in watched(outbox, board, 1300, 2000)} == {2}
    # Two days later.
    assert [r.state for r in watched(outbox, board, 172_800, 173_700)] == [2, 2, 2]
    told(outbox, board, alert(), at=173_650.0)
    assert {r.state for r in watched(outbox, board, 173_700, 175_000)} == {2}


def test_an_ended_watchdog_refreshes_nothing(outbox: Outbox, board: Board) -> None:
    [only] = told(outbox, board, {**WATCHDOG, "status": "resolved"})
    assert only.service == "EbbtideWatchdog"


def test_what_waits_in_the_queue_is_not_queued_again(outbox: Outbox, board: Board) -> None:
    with outbox.transaction() as transaction:
        board.take(transaction, parse(webhook(alert())), 1000.0)
        board.take(transaction, parse(webhook(WATCHDOG)), 1001.0)
        board.take(transaction, parse(webhook(WATCHDOG)), 1002.0)
    queued = [from_json(message.body).service for message in outbox.next("nagios")]
    assert queued == ["EbbtidePoolNearlyFull", "EbbtideWatchdog", "EbbtideNoPruning", "EbbtideWatchdog"]


def test_without_passive_receivers_nothing_is_noted(outbox: Outbox) -> None:
    assert told(outbox, Board([], [], 90_000.0), alert(), WATCHDOG) == []
    with outbox.transaction() as transaction:
        assert transaction.services() == set()


def test_a_result_as_a_line_for_nagios() -> None:
    line = command(Result("cs;01", "Alert", 2, "CRITICAL: a;b|c\nmore \\n\nlines", "firing=2;;;0", 1700000000.4))
    assert line == (
        b"[1700000000] PROCESS_SERVICE_CHECK_RESULT;cs_01;Alert;2;CRITICAL: a;b/c|firing=2;;;0\\nmore /n\\nlines\n"
    )


def test_a_line_for_nagios_fits_into_one_write() -> None:
    line = command(Result("cs01", "Alert", 2, "é" * 5000, "", 0.0))
    assert len(line) <= 4096
    assert line.endswith("é\n".encode())


@pytest.mark.parametrize(
    ("body", "says"),
    [
        (b"<html>", "Invalid JSON"),
        (b"{}", "version: Field required"),
        (b'{"version": "4", "alerts": [{"status": "firing"}]}', "alerts.0.labels: Field required"),
    ],
)
def test_what_is_no_notification_is_said_with_its_place(body: bytes, says: str) -> None:
    with pytest.raises(Unreadable, match=f"^not a notification of Alertmanager: .*{says}"):
        parse(body)
