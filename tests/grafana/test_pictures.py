"""The documentation shows every board as it was drawn, and says what is seen."""

from __future__ import annotations

import re
import struct

from tests.grafana.boards import BOARDS
from tests.promql import ROOT

PICTURES = {file.stem: file for file in (ROOT / "docs/images/boards").iterdir()}
PAGE = (ROOT / "docs/dashboards.md").read_text()
LINKED = re.findall(r"!\[([^]]*)\]\(images/boards/([\w-]+)\.png\)", PAGE)


def test_every_board_has_its_picture_and_every_picture_its_board() -> None:
    assert set(PICTURES) == {board["uid"] for board in BOARDS}


def test_the_page_of_the_dashboards_shows_each_picture_once_and_says_what_is_seen() -> None:
    assert sorted(uid for _, uid in LINKED) == sorted(PICTURES)
    assert not [uid for said, uid in LINKED if len(said.split()) < 8]


def test_each_picture_is_a_png_as_wide_as_a_screen_and_light_enough_for_a_page() -> None:
    for uid, file in PICTURES.items():
        content = file.read_bytes()
        assert content[:8] == b"\x89PNG\r\n\x1a\n", uid
        assert struct.unpack(">I", content[16:20]) == (1600,), uid
        assert len(content) < 180_000, uid
    assert sum(file.stat().st_size for file in PICTURES.values()) < 3_000_000
