"""What an alert says: what it is about, how bad it is, where to go on; from labels that its expression yields."""

import re

import promql_parser as promql

from tests.grafana.boards import BOARDS
from tests.promql import SEVERITIES, Rule, labels_of, nodes, selectors
from tests.rules.shipped import KNOWN, every_alert

VARIABLES = {board["uid"]: {variable["name"] for variable in board["templating"]["list"]} for board in BOARDS}


@every_alert
def test_an_alert_says_what_it_is_about_and_where_to_go_on(alert: Rule) -> None:
    name, annotations = alert["alert"], alert["annotations"]
    assert re.fullmatch(r"Ebbtide([A-Z][a-z]+)+F?", name)
    assert alert["labels"]["severity"] in SEVERITIES
    assert alert["labels"].keys() >= {"severity", "category", "component"}
    assert annotations.keys() == {"summary", "description", "runbook_url", "dashboard_url"}
    assert annotations["runbook_url"] == f"https://ebbtide.example.org/runbooks/{name}"
    assert not any("{{" in value for value in alert["labels"].values())


@every_alert
def test_an_alert_leads_to_a_board_and_to_what_it_is_about_there(alert: Rule) -> None:
    """The board's choices that the alert can make, all of them and no others."""
    labels = labels_of(promql.parse(alert["expr"]), KNOWN) - alert["labels"].keys()
    for url in _alternatives(alert["annotations"]["dashboard_url"]):
        uid, _, query = url.removeprefix("/d/").partition("?")
        asked = [choice for choice in query.split("&") if choice]
        assert {*asked} == {f"var-{name}={{{{ $labels.{name} | urlquery }}}}" for name in labels & VARIABLES[uid]}


@every_alert
def test_the_description_alone_tells_object_number_and_the_first_step(alert: Rule) -> None:
    description = alert["annotations"]["description"]
    assert "First: " in description
    labels = labels_of(promql.parse(alert["expr"]), KNOWN) - {"job"}
    if alert["alert"] != "EbbtideThresholdMissing":  # its number is that there is none
        assert "$value" in description or "| value }}" in description
    objects = {"source", "pool", "ddb", "mediaagent", "backup_job", "mountpath", "collector", "root", "proxy", "server"}
    assert {*re.findall(r"\$labels\.(\w+)", description)} >= labels & objects


@every_alert
def test_an_alert_of_one_vendor_carries_its_name_and_no_other_does(alert: Rule) -> None:
    vendor = re.match(r"Ebbtide(Commvault|Veeam|Filesystem|Scan|)", alert["alert"])
    assert vendor
    kind = {"": None, "Scan": "filesystem"}.get(vendor[1], vendor[1].lower())
    assert alert["labels"].get("kind") == kind
    own = {f"ebbtide_{name}_" for name in ("commvault", "veeam", "filesystem", "scan")}
    asked = {
        o
        for s in selectors(promql.parse(alert["expr"]))
        for o in own
        if o in (s.name or "") and "threshold" not in s.name
    }
    if len(asked) == 1 and kind is None:
        # What all kinds have, and one of them excuses.
        assert alert["alert"] in {
            *("EbbtidePoolFullSoon", "EbbtidePoolMayFillSoon", "EbbtidePoolSpaceLow", "EbbtidePruningSuccessLow"),
        }


@every_alert
def test_an_alert_uses_only_series_and_labels_that_exist(alert: Rule) -> None:
    there = labels_of(promql.parse(alert["expr"]), KNOWN)  # $labels has none of the alert's own
    for text in alert["annotations"].values():
        assert {*re.findall(r"\$labels\.(\w+)", text)} <= there, text


@every_alert
def test_an_alert_holds_no_number_of_its_own(alert: Rule) -> None:
    literals = {node.val for node in nodes(promql.parse(alert["expr"])) if isinstance(node, promql.NumberLiteral)}
    assert literals <= {0.0, 1.0}


def _alternatives(url: str) -> list[str]:
    """What a URL may become, when it depends on a label."""
    choice = re.compile(r"{{ if .+? }}(.+?){{ else }}(.+?){{ end }}")
    return [choice.sub(branch, url) for branch in (r"\1", r"\2")] if choice.search(url) else [url]
