"""The five ways in which nothing is freed, as a page shows them: what differs from the same days without the story.

A golden has the lines of the undisturbed page with a "-", those of the story with a "+"; `--update-golden` rewrites it.
"""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from exporter.config import parse
from exporter.service import Service
from exporter.simulator.clock import Clock
from exporter.simulator.commserve import CommServe
from exporter.simulator.estate import Estate
from exporter.simulator.wire import Server

HERE = Path(__file__).parent
AT = 1_772_461_200.0
DAY = 86400.0

# For how many days each is told, and how often a day the page is made. Fulls must fail for longer than a rule keeps
# data anyway, before data is kept for longer.
STORIES = {
    "pruning_stopped": (4, 4.0),
    "ddb_sealed": (1, 4.0),
    "agent_dead": (1, 4.0),
    "fulls_failing": (45, 0.2),
    "retention_regressed": (1, 4.0),
}
# What differs from run to run, or is about the asking and not about the estate.
NOISE = re.compile(r"ebbtide_(collector|source|group|pool_forecast|pool_time_to_full|pool_fill)_?|# ")


def page_after(
    story: str | None, days: int, polls_a_day: float, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> list[str]:
    """The lines of the page after so many days."""
    monkeypatch.setenv("EBBTIDE_TEST_PASSWORD", "not-a-real-secret")
    clock = Clock(AT, rate=0)
    estate = Estate("small", clock)
    server = Server(CommServe(estate, clock, ddb_pending_deletes=True)).start()
    tmp_path.mkdir(exist_ok=True)
    config = parse(
        f"history: {{url: 'sqlite:///{tmp_path / 'history.db'}'}}\n"
        f"ledger: {{url: 'sqlite:///{tmp_path / 'ledger.db'}'}}\n"
        f"sources: [{{name: cs01, kind: commvault, url: '{server.url}/commandcenter/api', username: svc-ebbtide,"
        " password: {env: EBBTIDE_TEST_PASSWORD}, lookback: 60d, retained_jobs: true}]"
    )
    service = Service(config, clock=clock.now)
    try:
        assert [s.error for s in service.poll_once(clock.now()) if not s.success] == []
        if story:
            estate.tell(story)
        for _ in range(round(days * polls_a_day)):
            clock.advance(DAY / polls_a_day)
            list(service.poll_once(clock.now()))
        return service.board.page(clock.now()).text.decode().splitlines()
    finally:
        service.close()
        server.stop()


@pytest.mark.parametrize(("story", "days", "polls_a_day"), [(s, *how) for s, how in STORIES.items()])
def test_a_story_is_seen_on_the_page(
    story: str, days: int, polls_a_day: float, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, update_golden: bool
) -> None:
    usual = page_after(None, days, polls_a_day, tmp_path / "usual", monkeypatch)
    told = page_after(story, days, polls_a_day, tmp_path / "told", monkeypatch)
    lost = [f"-{line}" for line in usual if line not in set(told) and not NOISE.match(line)]
    found = [f"+{line}" for line in told if line not in set(usual) and not NOISE.match(line)]
    difference = "\n".join([*sorted(lost), *sorted(found), ""])
    golden = HERE / "golden" / f"story-{story}.diff"
    if update_golden:
        golden.write_text(difference, encoding="utf-8")
    assert difference == golden.read_text(encoding="utf-8")
