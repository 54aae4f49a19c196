"""The picture of a forecast holds what it should, in both formats."""

from __future__ import annotations

import re
import struct
import sys
from pathlib import Path
from xml.etree import ElementTree as ET

import numpy as np
import pytest

from exporter.analysis.forecast import DAY, FloatArray
from exporter.findings.config import ForecastSettings
from exporter.findings.forecasts import Past
from exporter.reports.forecast_chart import draw
from exporter.reports.outlook import Outlook
from exporter.reports.write import ReportError

TIB = 1024.0**4
END = 1_780_000_000.0


def outlook(used: FloatArray, capacity: float | FloatArray, name: str = "Gold", step: float = DAY / 4) -> Outlook:
    """used, capacity: TiB."""
    moments = END - step * np.arange(used.size)[::-1]
    sizes = np.broadcast_to(np.asarray(capacity, np.float64) * TIB, used.shape)
    past = Past(moments, used * TIB, float(sizes[-1]), sizes)
    return Outlook(("cs01", "commvault", name), past, END, ForecastSettings())


def texts(one: Outlook, folder: Path) -> list[str]:
    draw(one, folder / "a.svg")
    root = ET.parse(folder / "a.svg").getroot()
    assert root.tag == "{http://www.w3.org/2000/svg}svg"
    return ["".join(element.itertext()).strip() for element in root.iter("{http://www.w3.org/2000/svg}text")]


GROWING = 20 + 0.1 * np.arange(240) / 4


def test_the_svg_names_everything_it_shows(tmp_path: Path) -> None:
    said = texts(outlook(GROWING, 30), tmp_path)
    assert "cs01 / Gold" in said
    assert any(text.startswith("full: in 40.") for text in said)
    for name in ("used", "median", "80% of futures", "95% of futures", "capacity", "85% of the capacity", "now", "TiB"):
        assert name in said
    marks = [text for text in said if re.fullmatch(r"full at P\d0: 2026-07-\d\d", text)]
    assert [mark[8:11] for mark in marks] == ["P10", "P50", "P90"]


def test_the_png_is_whole_and_large_enough_to_read(tmp_path: Path) -> None:
    draw(outlook(GROWING, 30), tmp_path / "a.png")
    content = (tmp_path / "a.png").read_bytes()
    assert content.startswith(b"\x89PNG\r\n\x1a\n")
    assert content.endswith(b"IEND\xaeB`\x82")
    width, height = struct.unpack(">II", content[16:24])
    assert (width, height) == (1320, 672)


def test_the_same_past_gives_the_same_picture(tmp_path: Path) -> None:
    for name in ("a.svg", "b.svg"):
        draw(outlook(GROWING, 30), tmp_path / name)
    assert (tmp_path / "a.svg").read_bytes() == (tmp_path / "b.svg").read_bytes()


def test_where_the_present_growth_began_is_marked(tmp_path: Path) -> None:
    days = np.arange(360) / 4
    said = texts(outlook(5 + 0.01 * days + 0.2 * np.maximum(0, days - 60), 20), tmp_path)
    assert any(re.fullmatch(r"this growth began: 2026-0(4|5)-\d\d", text) for text in said)
    assert not any("began" in text for text in texts(outlook(GROWING, 30), tmp_path))


def test_a_pool_that_never_fills_has_no_marks(tmp_path: Path) -> None:
    said = texts(outlook(np.full(240, 20.0), 30), tmp_path)
    assert "full: not within a year" in said
    assert not any("full at" in text for text in said)


def test_a_young_pool_has_bounds_and_no_median(tmp_path: Path) -> None:
    said = texts(outlook(20 + 0.5 * np.arange(50) / 24, 30, step=DAY / 24), tmp_path)
    assert "median" not in said
    assert [text[8:11] for text in said if text.startswith("full at")] == ["P10", "P90"]


def test_a_capacity_that_was_extended_is_drawn_as_it_was(tmp_path: Path) -> None:
    sizes = np.where(np.arange(240) < 150, 24.0, 40.0)
    one = outlook(np.minimum(GROWING, sizes), sizes)
    draw(one, tmp_path / "extended.svg")
    draw(outlook(np.minimum(GROWING, sizes), 40), tmp_path / "always.svg")
    assert (tmp_path / "extended.svg").read_bytes() != (tmp_path / "always.svg").read_bytes()
    assert one.found.p50_seconds is not None


def test_a_name_is_text_and_no_formula_and_moves_no_cursor(tmp_path: Path) -> None:
    assert "cs01 / $x_1$ <&>?" in texts(outlook(GROWING, 30, "$x_1$ <&>\x1b"), tmp_path)


def test_without_matplotlib_the_extra_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    with pytest.raises(ReportError, match=r"needs matplotlib: pip install 'ebbtide\[plot\]'"):
        draw(outlook(GROWING, 30), tmp_path / "a.png")


def test_a_folder_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(ReportError, match="file"):
        draw(outlook(GROWING, 30), tmp_path / "file" / "a.png")


def test_what_cannot_be_forecast_cannot_be_drawn(tmp_path: Path) -> None:
    nothing = Past(np.empty(0), np.empty(0), TIB, np.empty(0))
    with pytest.raises(ReportError, match="there is nothing to draw: no forecast, because nothing is known"):
        draw(Outlook(("", "", "a"), nothing, END, ForecastSettings()), tmp_path / "a.png")
