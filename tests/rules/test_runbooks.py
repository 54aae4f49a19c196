"""Every alert has a runbook: what to do first, why, and queries and commands that can be copied."""

import re
from pathlib import Path

import promql_parser as promql
import pytest

from exporter.cli import app
from tests.promql import ROOT, labels_of, rule_files
from tests.rules.shipped import ALERTS, KNOWN, RULES

RUNBOOKS = sorted((RULES / "runbooks").glob("*.md"))

every_runbook = pytest.mark.parametrize("runbook", RUNBOOKS, ids=lambda p: p.stem)


def test_alerts_and_runbooks_are_the_same_list() -> None:
    assert {r.stem for r in RUNBOOKS} == {alert["alert"] for alert in ALERTS}


@every_runbook
def test_a_runbook_opens_with_what_to_do_and_has_the_four_sections(runbook: Path) -> None:
    text = runbook.read_text()
    assert text.startswith(f"# {runbook.stem}\n\n**First:** ")
    assert re.findall(r"^## (.+)$", text, re.M) == ["Meaning", "Impact", "Diagnosis", "Mitigation"]
    mitigation = text.partition("## Mitigation\n")[2]
    assert re.search(
        r"^1\. .+\n(.*\n)*\n\*\*Console:\*\* .+\n(.+\n)*\n\*\*API:\*\*\n\n```sh\n(.+\n)+```\n$", mitigation, re.M
    )
    for link in re.findall(r"\]\((.+?)\)", text):
        assert (runbook.parent / link).exists(), link


@pytest.mark.parametrize("runbook", [*RUNBOOKS, ROOT / "docs/rules.md"], ids=lambda p: p.stem)
def test_the_queries_of_a_runbook_can_be_copied(runbook: Path) -> None:
    blocks = re.findall(r"```promql\n(.+?)```", runbook.read_text(), re.S)
    assert blocks
    for query in (q for block in blocks for q in re.sub(r"\n\s+", " ", block).strip().split("\n")):
        labels_of(promql.parse(query), KNOWN)


def test_the_commands_that_alerts_and_runbooks_name_exist() -> None:
    texts = [f.read_text() for f in [*RUNBOOKS, *rule_files()]]
    named = {name for text in texts for name in re.findall(r"`ebbtide ([a-z-]+)|\bebbtide (check-[a-z]+)", text)}
    commands = {name for pair in named for name in pair if name}
    assert commands
    assert commands <= {group.name for group in app.registered_groups} | {
        command.callback.__name__.replace("_", "-") for command in app.registered_commands if command.callback
    }
