"""What the messages say, rendered by Alertmanager's own tool."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.alertmanager.shipped import FOLDER, amtool

pytestmark = pytest.mark.server

Rendered = Callable[..., str]

APEX = {
    "status": "firing",
    "labels": {
        "alertname": "EbbtidePoolNearlyFull", "severity": "critical", "source": "cs01", "kind": "commvault",
        "pool": "Apex GDP",
    },
    "annotations": {
        "summary": "Pool Apex GDP of cs01 has 1.97% free.",
        "description": "Backups fail when it is full.",
        "runbook_url": "https://ebbtide.example.org/runbooks/EbbtidePoolNearlyFull",
        "dashboard_url": "/d/ebbtide-pool?var-source=cs01&var-kind=commvault&var-pool=Apex+GDP",
    },
    "startsAt": "2026-03-02T07:00:00Z",
}  # fmt: skip


@pytest.fixture
def rendered(tmp_path: Path) -> Rendered:
    def render(template: str, *alerts: dict[str, Any], kind: str = "text") -> str:
        status = "firing" if any(a["status"] == "firing" for a in alerts) else "resolved"
        data = {"status": status, "alerts": alerts, "commonLabels": alerts[0]["labels"], "externalURL": "http://am"}
        (tmp_path / "data.json").write_text(json.dumps(data))
        run = amtool(
            "template", "render", f"--template.glob={FOLDER}/templates/*.tmpl", f"--template.type={kind}",
            f'--template.text={{{{ template "{template}" . }}}}', f"--template.data={tmp_path / 'data.json'}",
        )  # fmt: skip
        assert run.returncode == 0, run.stderr
        return run.stdout.strip()

    return render


def altered(**changes: Any) -> dict[str, Any]:
    """The alert with other labels, annotations or status."""
    status = changes.pop("status", "firing")
    labels = {name: changes.pop(name) for name in ("severity", "pool", "alertname") if name in changes}
    resolved = {"endsAt": "2026-03-02T09:30:00Z"} if status == "resolved" else {}
    annotations = APEX["annotations"] | changes  # type: ignore[operator]
    return APEX | resolved | {"status": status, "labels": APEX["labels"] | labels, "annotations": annotations}  # type: ignore[operator]


def test_the_title_names_alert_and_object(rendered: Rendered) -> None:
    assert rendered("ebbtide.title", APEX) == "[FIRING:1] EbbtidePoolNearlyFull cs01 / Apex GDP"
    assert rendered("ebbtide.title", altered(status="resolved")) == "[RESOLVED] EbbtidePoolNearlyFull cs01 / Apex GDP"


def test_the_text_has_number_description_runbook_and_dashboard(rendered: Rendered) -> None:
    assert rendered("ebbtide.text", APEX).splitlines() == [
        "1 critical",
        "",
        "CRITICAL: Pool Apex GDP of cs01 has 1.97% free.",
        "Backups fail when it is full.",
        "What to do: https://ebbtide.example.org/runbooks/EbbtidePoolNearlyFull",
        "Dashboard: https://grafana.example.org/d/ebbtide-pool?var-source=cs01&var-kind=commvault&var-pool=Apex+GDP",
    ]


@pytest.mark.parametrize("template", ["ebbtide.text", "ebbtide.slack", "ebbtide.email.html"])
def test_the_likely_causes_that_a_rule_ranks_are_told_in_every_channel(rendered: Rendered, template: str) -> None:
    described = "Backups fail when it is full. Likely causes: mediaagent offline (90), ddb sealed (40)"
    assert described in rendered(template, altered(description=described))


def test_alerts_are_counted_by_severity(rendered: Rendered) -> None:
    several = [APEX, altered(severity="info"), altered(severity="warning"), altered(severity="warning")]
    assert rendered("ebbtide.counts", *several) == "1 critical, 2 warning, 1 info"
    assert rendered("ebbtide.counts", APEX, altered(status="resolved")) == "1 critical, 1 resolved"
    assert rendered("ebbtide.counts", altered(status="resolved")) == "1 resolved"


def test_a_text_message_fits_into_one_however_long_the_names(rendered: Rendered) -> None:
    long = altered(summary="Pool " + "é" * 300)
    message = rendered("ebbtide.sms", long, *[APEX] * 120)
    assert message.startswith("FIRING: Pool ééé")
    assert message.endswith("(121 alerts)")
    assert len(message) <= 160


def test_a_mail_shows_names_as_they_are_and_runs_none_of_them(rendered: Rendered) -> None:
    name = "<script>alert(1)</script> & \"Söhne\" 'Ü'"
    html = rendered("ebbtide.email.html", altered(pool=name, summary=f"Pool {name} has 1.97% free."), kind="html")
    assert "<script" not in html
    assert "&lt;script&gt;alert(1)&lt;/script&gt; &amp; &#34;Söhne&#34; &#39;Ü&#39;" in html


def test_a_mail_links_only_to_web_pages(rendered: Rendered) -> None:
    html = rendered("ebbtide.email.html", altered(runbook_url="javascript:alert(1)"), kind="html")
    assert "javascript:" not in html
    pool = "/d/ebbtide-pool?var-source=cs01&amp;var-kind=commvault&amp;var-pool=Apex&#43;GDP"
    assert f'href="https://grafana.example.org{pool}"' in html


def test_a_mail_says_since_when_or_until_when(rendered: Rendered) -> None:
    html = rendered("ebbtide.email.html", APEX, altered(status="resolved"), kind="html")
    assert "CRITICAL since 2026-03-02 07:00 UTC" in html
    assert "CRITICAL, resolved 2026-03-02 09:30 UTC" in html


def test_chat_shows_signs_that_slack_would_read_as_its_own(rendered: Rendered) -> None:
    text = rendered("ebbtide.slack", altered(summary="Pool <!channel> & A>B has 1.97% free."))
    assert "*Pool &lt;!channel&gt; &amp; A&gt;B has 1.97% free.*" in text
    assert "<https://ebbtide.example.org/runbooks/EbbtidePoolNearlyFull|What to do>" in text
