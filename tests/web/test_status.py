"""The page for a person with a browser or a phone."""

from __future__ import annotations

import subprocess
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import pytest

from exporter.model import CollectorState
from exporter.web.status import render
from tests.inventories import AT
from tests.servers import need
from tests.web.conftest import Site, served

STATE = CollectorState(
    source="cs01", kind="commvault", collector="pools", interval_seconds=3600.0, success=True, last_poll_at=AT - 60,
    last_success_at=AT - 60, duration_seconds=0.25, objects=12, next_poll_at=AT + 3540,
)  # fmt: skip
DOWN = replace(
    STATE, collector="jobs", success=False, reason="unreachable", error="GET /Job: no answer in time",
    last_success_at=AT - 4 * 3600, duration_seconds=30.04, objects=None, next_poll_at=None,
)  # fmt: skip
NEW = replace(STATE, source="vbr01", success=None, last_poll_at=None, last_success_at=None, duration_seconds=None,
              objects=None, next_poll_at=AT + 5)  # fmt: skip


class Text(HTMLParser):
    """What a reader sees, piece by piece; and that every tag that needs it is closed."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.pieces: list[str] = []
        self.tags: list[str] = []
        self.open: list[str] = []
        self.feed(page)
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        if tag not in ("meta", "br", "link"):
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if data.strip() and self.open[-1] != "style":
            self.pieces.append(data.strip())


def page(*states: CollectorState, ups: dict[str, bool | None] | None = None, actions: bool = False) -> Text:
    return Text(render(states, {"cs01": True} if ups is None else ups, AT, actions=actions))


def test_a_source_that_answers_says_so() -> None:
    found = page(STATE)
    assert "The source answers." in found.pieces
    assert found.pieces[-6:] == ["pools", "ok", "1m ago", "12", "250 ms", "in 59m"]
    assert "up" in found.pieces
    assert "script" not in found.tags


def test_a_failure_is_told_in_plain_words_and_comes_first() -> None:
    found = page(STATE, DOWN, replace(STATE, source="aa01"), ups={"cs01": False, "aa01": True})
    assert "1 of 2 sources needs a look: cs01." in found.pieces
    assert found.pieces.index("cs01") < found.pieces.index("aa01")
    assert "GET /Job: no answer in time" in found.pieces
    assert {"unreachable", "down", "4h ago, withdrawn", "30.0 s"} <= set(found.pieces)


def test_what_was_not_asked_yet_is_waited_for() -> None:
    found = page(STATE, NEW, ups={"cs01": True, "vbr01": None})
    assert "Waiting for the first answer of vbr01." in found.pieces
    assert {"waiting", "not asked yet", "–", "in 5s"} <= set(found.pieces)


def test_what_is_not_offered_is_told_and_neither_a_failure_nor_waited_for() -> None:
    told = "GET /Thing: exists from release 12 on; this server is of release 11"
    lacking = replace(STATE, collector="license", success=None, reason="not_offered", error=told, last_success_at=None)
    html = render([STATE, lacking], {"cs01": True}, AT, actions=False)
    found = Text(html)
    assert "The source answers." in found.pieces
    assert {"not offered", told, "up"} <= set(found.pieces)
    assert '<span class="quiet">not offered</span>' in html
    assert f'<tr class="note"><td colspan="6">{told}</td></tr>' in html
    assert 'class="error"' not in html


def test_a_running_poll_is_shown_as_running() -> None:
    found = page(replace(NEW, running_since=AT - 90), ups={})
    assert {"polling", "running for 1m30s"} <= set(found.pieces)


def test_all_is_said_in_one_sentence_for_many_sources_and_for_none() -> None:
    assert "All 2 sources answer." in page(STATE, replace(STATE, source="cs02")).pieces
    assert "No sources are configured." in page().pieces


def test_the_sums_over_all_sources_are_no_source() -> None:
    sums = replace(STATE, source="estate", collector="groups")
    found = page(STATE, sums, ups={"cs01": True, "estate": None}).pieces
    assert "The source answers." in found
    assert "all sources together" in found
    assert "No sources are configured." in page(sums, ups={"estate": None}).pieces


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0, "0s ago"), (0.4, "0s ago"), (59, "59s ago"), (61, "1m1s ago"), (3700, "1h1m ago"), (90061, "1d1h ago"),
     (-5, "0s ago")],
)  # fmt: skip
def test_ages_have_at_most_two_units(seconds: float, text: str) -> None:
    long = replace(STATE, last_success_at=AT - seconds, interval_seconds=1e6)
    assert text in page(long).pieces


def test_names_and_errors_are_text_whatever_they_hold() -> None:
    evil = "<script>alert('x')</script>&\"'><img src=x onerror=alert(1)>"
    state = replace(DOWN, source=evil, kind=evil, collector=evil, error=evil)
    html = render([state], {evil: False}, AT, actions=True)
    found = Text(html)
    assert not {"script", "img"} & set(found.tags)
    assert "<script" not in html
    assert "<img" not in html
    assert evil in found.pieces
    assert f"1 of 1 sources needs a look: {evil}." in found.pieces
    assert html.count("&amp;collector=%3Cscript") == 1


def test_the_buttons_are_there_only_when_they_work() -> None:
    assert "form" not in page(STATE).tags
    found = page(STATE, DOWN, actions=True)
    assert found.tags.count("button") == 3
    assert {"Poll now", "Poll all now"} <= set(found.pieces)
    html = render([replace(STATE, source="a/b c")], {}, AT, actions=True)
    assert 'method="post" action="-/poll?source=a/b%20c&amp;collector=pools"' in html
    assert 'aria-label="Poll a/b c/pools now"' in html


def test_the_page_shows_what_the_board_knows(site: Site) -> None:
    with served(site.doors()) as client:
        found = Text(client.get("/").text)
    assert "1 of 2 sources needs a look: cs01." in found.pieces
    assert "GET /Job: no answer in time" in found.pieces
    assert "fs01" in found.pieces


@pytest.mark.server
@pytest.mark.parametrize("size", ["390,844", "1280,900"], ids=["phone", "desktop"])
def test_a_browser_shows_the_page_without_a_complaint(site: Site, tmp_path: Path, size: str) -> None:
    picture = tmp_path / "page.png"
    with served(site.doors(lifecycle=True)) as client:
        ran = browse(f"{client.url}/", picture, size, tmp_path / "profile")
    assert ran.returncode == 0, ran.stderr
    assert [line for line in ran.stderr.splitlines() if "CONSOLE" in line] == []
    assert picture.stat().st_size > 5_000


def browse(url: str, picture: Path, size: str, profile: Path) -> subprocess.CompletedProcess[str]:
    command = [
        need("chromium"), "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
        "--disable-background-networking", "--disable-component-update", "--disable-sync", "--hide-scrollbars",
        f"--user-data-dir={profile}", f"--window-size={size}", "--virtual-time-budget=3000",
        "--enable-logging=stderr", f"--screenshot={picture}", url,
    ]  # fmt: skip
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
