"""A real Alertmanager with the shipped receivers tells a mail server and an HTTP server, which keep what they get."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import parse_qs

import pytest

from tests.alertmanager.shipped import Labels, alertmanager, config, hurried, led_to, post
from tests.servers import wait_until
from tests.sinks import Mails, Posts, http_server, mail_server

pytestmark = pytest.mark.server

NAME = 'Apex <b>&"GDP"'
FULL = {
    "alertname": "EbbtidePoolNearlyFull", "severity": "critical", "category": "capacity", "component": "pool",
    "source": "cs01", "kind": "commvault", "pool": NAME, "page": "sms",
}  # fmt: skip
SEALED = {
    "alertname": "EbbtideCommvaultDdbSealed", "severity": "warning", "category": "pruning", "source": "cs01",
    "pool": NAME, "ddb": "DDB 1",
}  # fmt: skip
SETTING = {"alertname": "EbbtideCommvaultAgingDisabled", "severity": "critical", "category": "configuration"}
WATCHDOG = {"alertname": "EbbtideWatchdog", "severity": "none", "category": "meta"}
ANNOTATIONS = {
    "summary": f"Pool {NAME} of cs01 has 1.97% free.",
    "description": "Backups fail when it is full.",
    "runbook_url": "https://ebbtide.example.org/runbooks/EbbtidePoolNearlyFull",
    "dashboard_url": "/d/ebbtide-pool?var-source=cs01",
}
SNS_ANSWER = b"<PublishResponse><PublishResult><MessageId>1</MessageId></PublishResult></PublishResponse>"
FOR_EVER, LONG_AGO = "2100-01-01T00:00:00Z", "2000-01-01T00:00:00Z"


@dataclass
class Told:
    url: str
    mails: Mails
    posts: Posts


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Told]:
    """Four alerts have begun, and one of them has ended again, when the first test looks."""
    folder = tmp_path_factory.mktemp("delivery")
    with mail_server() as mails, http_server(SNS_ANSWER) as posts:
        content = led_to(hurried(config()), folder, mails, posts)
        with alertmanager(content, folder) as url:
            alerts: list[Labels] = [FULL, SEALED, SETTING, WATCHDOG]
            post(url, alerts, FOR_EVER, ANNOTATIONS)
            paths = ("/slack", "/pagerduty", "/opsgenie", "/sns", "/tickets", "/heartbeat", "/127")
            wait_until(lambda: mails.received and all(posts.at(path) for path in paths), "all channels are told")
            post(url, [FULL], LONG_AGO, ANNOTATIONS)
            wait_until(lambda: "resolved" in str(posts.alerts("/127")) and len(mails.received) > 1, "its end is told")
            yield Told(url, mails, posts)


def test_mail_arrives_with_a_subject_a_page_and_a_text(told: Told) -> None:
    mail = told.mails.received[0]
    assert mail["Subject"] == f"[FIRING:1] EbbtidePoolNearlyFull cs01 / {NAME}"
    assert mail["To"] == "storage-oncall@example.com"
    html, text = mail.get_body(("html",)), mail.get_body(("plain",))
    assert html is not None
    assert text is not None
    assert "Apex &lt;b&gt;&amp;&#34;GDP&#34; of cs01 has 1.97% free." in html.get_content()
    assert "<b>&" not in html.get_content(), "a name is no markup"
    assert f"CRITICAL: Pool {NAME} of cs01 has 1.97% free." in text.get_content()


def test_the_end_is_mailed_too(told: Told) -> None:
    [_, resolved] = told.mails.received
    assert resolved["Subject"] == f"[RESOLVED] EbbtidePoolNearlyFull cs01 / {NAME}"
    html = resolved.get_body(("html",))
    assert html is not None
    assert "CRITICAL, resolved 2000-01-01 00:00 UTC" in html.get_content()


def test_the_bridge_gets_each_alert_alone_and_its_end(told: Told) -> None:
    hooks = [body for body in told.posts.at("/127") if body["commonLabels"]["alertname"] != "EbbtideWatchdog"]
    assert {len(body["alerts"]) for body in hooks} == {1}
    states = [(a["labels"]["alertname"], a["status"]) for body in hooks for a in body["alerts"]]
    assert sorted({*states}) == [
        ("EbbtideCommvaultDdbSealed", "firing"),
        ("EbbtidePoolNearlyFull", "firing"),
        ("EbbtidePoolNearlyFull", "resolved"),
    ]


def test_the_heartbeat_goes_out_and_to_the_bridge(told: Told) -> None:
    assert {a["labels"]["alertname"] for a in told.posts.alerts("/heartbeat")} == {"EbbtideWatchdog"}
    assert "EbbtideWatchdog" in {a["labels"]["alertname"] for a in told.posts.alerts("/127")}


def test_settings_become_tickets_and_call_nobody(told: Told) -> None:
    assert {a["labels"]["alertname"] for a in told.posts.alerts("/tickets")} == {"EbbtideCommvaultAgingDisabled"}
    assert "AgingDisabled" not in str(told.posts.at("/pagerduty")) + str(told.mails.subjects())


def test_secrets_come_from_their_files(told: Told) -> None:
    sent = {path: headers for path, headers, _ in told.posts.received}
    assert sent["/tickets"]["Authorization"] == "Bearer secret-tickets_token"
    assert sent["/opsgenie/v2/alerts"]["Authorization"] == "GenieKey secret-opsgenie_api_key"
    assert told.posts.at("/pagerduty")[0]["routing_key"] == "secret-pagerduty_routing_key"


def test_on_call_is_told_the_title_and_the_whole_text(told: Told) -> None:
    page, genie = told.posts.at("/pagerduty")[0], told.posts.at("/opsgenie/v2/alerts")[0]
    assert page["payload"]["summary"] == genie["message"] == f"[FIRING:1] EbbtidePoolNearlyFull cs01 / {NAME}"
    assert (page["payload"]["severity"], page["payload"]["group"]) == ("critical", "cs01")
    assert ANNOTATIONS["runbook_url"] in page["payload"]["custom_details"]["text"]
    assert ANNOTATIONS["runbook_url"] in genie["description"]


def test_chat_is_told_the_warning(told: Told) -> None:
    [attachment] = told.posts.at("/slack")[0]["attachments"]
    assert attachment["title"] == f"[FIRING:1] EbbtideCommvaultDdbSealed cs01 / {NAME}"
    assert attachment["title_link"] == "https://grafana.example.org/d/ebbtide-pool?var-source=cs01"
    assert 'Apex &lt;b&gt;&amp;"GDP" of cs01' in attachment["text"]


def test_a_text_message_is_sent_to_the_number(told: Told) -> None:
    sent = parse_qs(told.posts.at("/sns")[0])
    assert sent["PhoneNumber"] == ["+15005550006"]
    assert sent["Message"] == [f"FIRING: Pool {NAME} of cs01 has 1.97% free."]
