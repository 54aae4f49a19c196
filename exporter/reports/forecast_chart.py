"""The past of a pool and what may come of it, as a picture.

Colours are those of Okabe and Ito, which the colour-blind tell apart; every line also has a dash or mark of its own.
"""

from __future__ import annotations

import math
from datetime import UTC
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from exporter.analysis.forecast import FloatArray
from exporter.model import DAY
from exporter.reports.outlook import Outlook
from exporter.reports.outlook_text import headline
from exporter.reports.text import binary_unit, day, written
from exporter.reports.write import ReportError, whole

if TYPE_CHECKING:
    from matplotlib.axes import Axes

FORMATS = (".png", ".svg")

_BLUE, _SKY, _VERMILION, _ORANGE, _GREEN, _PURPLE = "#0072B2", "#56B4E9", "#D55E00", "#E69F00", "#009E73", "#CC79A7"
_INK, _SOFT = "#1f2328", "#57606a"
_STYLE = {
    "svg.fonttype": "none", "svg.hashsalt": "ebbtide", "font.size": 10, "text.color": _INK, "axes.edgecolor": _SOFT,
    "axes.labelcolor": _INK, "xtick.color": _SOFT, "ytick.color": _SOFT, "axes.spines.top": False,
    "axes.spines.right": False,
}  # fmt: skip
_INCHES, _DPI = (11.0, 5.6), 120
_LEAST_AHEAD, _MOST_AHEAD, _NOTHING_AHEAD = 14 * DAY, 365 * DAY, 180 * DAY
_LEAST_BACK, _BEFORE = 30 * DAY, 7 * DAY
_MOST_BACK = 3


def draw(outlook: Outlook, path: Path) -> None:
    """Write a .png or .svg of a pool with a forecast, as the end of `path` says. Raises ReportError."""
    try:
        import matplotlib as mpl
        from matplotlib.figure import Figure
    except ImportError:
        raise ReportError("a picture needs matplotlib: pip install 'ebbtide[plot]'") from None
    if not outlook.is_known:
        raise ReportError(f"there is nothing to draw: {headline(outlook)}")
    with mpl.rc_context(_STYLE), whole(path) as temporary:
        figure = Figure(figsize=_INCHES, layout="constrained")
        _fill(figure.add_subplot(), outlook)
        metadata: dict[str, Any] = {"Date": None} if path.suffix == ".svg" else {}
        figure.savefig(temporary, format=path.suffix[1:], dpi=_DPI, metadata=metadata)


def _fill(axes: Axes, outlook: Outlook) -> None:
    past, found, result = outlook.past, outlook.found, outlook.result
    unit, size = binary_unit(past.capacity)
    newest = float(past.timestamps[-1])
    end = newest + _ahead(outlook)
    start = _start(outlook, newest, end - newest)
    seen = (past.timestamps >= start) & np.isfinite(past.used)
    ahead = result["t"] <= end - newest + DAY
    t = np.append(newest, newest + result["t"][ahead])

    def curve(name: str) -> FloatArray:
        values: FloatArray = np.append(outlook.used, result[name][ahead]) / size  # type: ignore[literal-required]
        return values

    axes.plot(_x(past.timestamps[seen]), past.used[seen] / size, color=_INK, linewidth=1.4, zorder=3, label="used")
    if found.p50_seconds is not None:
        axes.plot(_x(t), curve("p50"), color=_BLUE, linewidth=1.8, linestyle="--", label="median")
    axes.fill_between(_x(t), curve("lo80"), curve("hi80"), color=_SKY, alpha=0.5, linewidth=0, label="80% of futures")
    axes.fill_between(_x(t), curve("lo95"), curve("hi95"), color=_SKY, alpha=0.25, linewidth=0, label="95% of futures")
    _capacity(axes, outlook, size, start, end)
    _marks(axes, outlook, past.capacity / size)
    if found.regime_start_at is not None and start + DAY < found.regime_start_at < newest:
        axes.axvline(_x(found.regime_start_at), color=_PURPLE, linestyle="-.", linewidth=1.2,
                     label=f"this growth began: {day(found.regime_start_at)}")  # fmt: skip
    axes.axvline(_x(outlook.at), color=_SOFT, linewidth=0.8)
    axes.annotate("now", (_x(outlook.at), 0.01), xycoords=("data", "axes fraction"), xytext=(4, 0),
                  textcoords="offset points", color=_SOFT)  # fmt: skip
    _frame(axes, outlook, unit, start, end)
    low = min(float(np.min(past.used[seen])) / size, float(np.min(curve("lo80"))))
    _heights(axes, low, past.capacity / size, float(np.max(past.used[seen])) / size)


def _ahead(outlook: Outlook) -> float:
    """Seconds from the newest reading: somewhat past the latest date that is known."""
    found = outlook.found
    known = [s for s in (found.p10_seconds, found.p50_seconds, found.p90_seconds) if s is not None and math.isfinite(s)]
    if not known:
        return _NOTHING_AHEAD
    return min(_MOST_AHEAD, max(_LEAST_AHEAD, 1.3 * max(known)))


def _start(outlook: Outlook, newest: float, ahead: float) -> float:
    """As far back as ahead, and to the beginning of the present growth where that is not much farther."""
    first, began = float(outlook.past.timestamps[0]), outlook.found.regime_start_at
    start = newest - max(_LEAST_BACK, ahead)
    if began is not None and began > newest - _MOST_BACK * max(_LEAST_BACK, ahead):
        start = min(start, began - _BEFORE)
    return max(first, start)


def _capacity(axes: Axes, outlook: Outlook, size: float, start: float, end: float) -> None:
    """As it was, and as it is from now on; below it how much of it is to be used at most."""
    past = outlook.past
    known = (past.timestamps >= start) & np.isfinite(past.capacities)
    moments = np.concatenate([[start], past.timestamps[known], [past.timestamps[-1], end]])
    first = past.capacities[known][:1] if known.any() else np.array([past.capacity])
    sizes = np.concatenate([first, past.capacities[known], [past.capacity, past.capacity]])
    target = outlook.settings.target
    axes.plot(_x(moments), sizes / size, color=_VERMILION, linewidth=1.8, drawstyle="steps-post", label="capacity")
    axes.plot(_x(moments), target * sizes / size, color=_ORANGE, linewidth=1.6, linestyle=":", drawstyle="steps-post",
              label=f"{target:.0%} of the capacity")  # fmt: skip


def _marks(axes: Axes, outlook: Outlook, capacity: float) -> None:
    """Where P10, P50 and P90 reach the capacity."""
    found = outlook.found
    for name, seconds, mark in (
        ("P10", found.p10_seconds, "v"), ("P50", found.p50_seconds, "D"), ("P90", found.p90_seconds, "^"),
    ):  # fmt: skip
        if seconds is None or math.isinf(seconds):
            continue
        at = outlook.at + seconds
        axes.plot([_x(at)], [capacity], mark, color=_GREEN, markersize=8, markeredgecolor="white", zorder=5,
                  clip_on=False, label=f"full at {name}: {day(at)}")  # fmt: skip


def _frame(axes: Axes, outlook: Outlook, unit: str, start: float, end: float) -> None:
    from matplotlib.dates import AutoDateLocator, ConciseDateFormatter

    locator = AutoDateLocator(minticks=4, maxticks=10, tz=UTC)
    axes.xaxis.set_major_locator(locator)
    axes.xaxis.set_major_formatter(ConciseDateFormatter(locator, tz=UTC))
    axes.set_xlim(*_x(np.array([start, end])))
    axes.set_ylabel(unit)
    axes.grid(axis="y", color="#d0d7de", linewidth=0.6)
    axes.set_axisbelow(True)
    name = " / ".join(written(part, "text") for part in (outlook.name[0], outlook.name[2]) if part)
    axes.set_title(f"{name}\n", loc="left", fontweight="bold", fontsize=13, parse_math=False)
    axes.text(0, 1.02, headline(outlook), transform=axes.transAxes, color=_SOFT)
    axes.legend(loc="center left", bbox_to_anchor=(1.01, 0.5), frameon=False)


def _heights(axes: Axes, low: float, capacity: float, most: float) -> None:
    """All of the past and the capacity; what the band says far above it is of no use to anybody."""
    top = max(capacity, most)
    bottom = low - 0.08 * (top - low)
    axes.set_ylim(max(0.0, bottom), top + 0.1 * (top - max(0.0, bottom)))


def _x(moments: FloatArray | float) -> Any:
    """Days since 1970, in which matplotlib counts."""
    return np.asarray(moments) / DAY
