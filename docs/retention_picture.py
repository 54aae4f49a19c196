"""Draws docs/images/retention.svg: python docs/retention_picture.py"""

from __future__ import annotations

from pathlib import Path

from exporter.analysis.retention import effective_retention

FILE = Path(__file__).parent / "images" / "retention.svg"
DAY_S = 86400.0
DAYS, CYCLES, INTERVAL, GAP = 14, 2, 7, 1
LEFT, STEP = 30, 42
LANES = (112, 172, 232)

STYLE = """
  text { font: 17px system-ui, sans-serif; fill: #1f2328 }
  .back { fill: #ffffff } .grid { stroke: #d0d7de } .strong { font-weight: 600 } .soft { fill: #57606a }
  .full { fill: #0969da } .incremental { fill: #9ec9f7 } .on-full { fill: #ffffff; font-weight: 600 }
  .days { stroke: #9a6700; fill: #9a6700 } .cycles { stroke: #1a7f37; fill: #1a7f37 }
  .age { stroke: #cf222e; fill: #cf222e } text.days, text.cycles, text.age { stroke: none }
  @media (prefers-color-scheme: dark) {
    text { fill: #e6edf3 } .back { fill: #0d1117 } .grid { stroke: #3d444d } .soft { fill: #9198a1 }
    .full { fill: #1f6feb } .incremental { fill: #23497d }
    .days { stroke: #e3b341; fill: #e3b341 } .cycles { stroke: #56d364; fill: #56d364 }
    .age { stroke: #ff7b72; fill: #ff7b72 }
  }
"""


def x(day: float) -> float:
    return LEFT + STEP * day


def draw() -> str:
    """Three weekly cycles under 14 days and 2 cycles, by the vendor's rule."""
    bounds = effective_retention(
        retention_seconds=DAYS * DAY_S, cycles=CYCLES, aging_enabled=True,
        full_interval_seconds=INTERVAL * DAY_S, last_incremental_gap_seconds=GAP * DAY_S,
    )  # fmt: skip
    last_age, full_age = (int(bound / DAY_S) for bound in bounds or ())
    last_job, enough_cycles = INTERVAL - GAP, CYCLES * INTERVAL
    parts = [
        '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 1000 450" role="img">',
        f"<title>{DAYS} days and {CYCLES} cycles with weekly fulls: cycle 1 may age on day {full_age}</title>",
        f"<style>{STYLE}</style>",
        '<rect class="back" width="1000" height="450"/>',
        _text(LEFT, 32, f"{DAYS} days and {CYCLES} cycles, a full (F) every Sunday, an incremental (i) on other days",
              "strong"),
        *_axis(),
        f'<line class="age" stroke-width="3" x1="{x(full_age)}" x2="{x(full_age)}" y1="84" y2="378"/>',
    ]  # fmt: skip
    for number, y in enumerate(LANES):
        first = number * INTERVAL
        parts += [_job(first + day, y, "F" if day == 0 else "i") for day in range(INTERVAL)]
        on_right = number < len(LANES) - 1
        at = x(first + INTERVAL) + 6 if on_right else x(first) - 28
        parts.append(_text(at, y + 23, f"cycle {number + 1}", "strong", "start" if on_right else "end"))
    parts += [
        _span(0, enough_cycles, 302, "cycles"),
        _text(x(0) + 6, 293, f"cycles: {CYCLES} newer cycles have a finished full on day {enough_cycles}", "cycles"),
        _span(last_job, full_age, 352, "days"),
        _text(x(last_job) + 6, 343, f"days: the last job of cycle 1 is {last_age} days old on day {full_age}", "days"),
        _text(x(full_age), 402, f"day {full_age}: cycle 1 may age, all of it at once", "age strong", "end"),
        _text(x(full_age), 428, f"its full is {full_age} days old by then, its last incremental {last_age}", "soft",
              "end"),
        "</svg>",
    ]  # fmt: skip
    return "\n".join(parts) + "\n"


def _axis() -> list[str]:
    marks = []
    for day in range(3 * INTERVAL + 1):
        is_sunday = day % INTERVAL == 0
        marks.append(f'<line class="grid" x1="{x(day)}" x2="{x(day)}" y1="84" y2="{270 if is_sunday else 92}"/>')
        marks.append(_text(x(day), 76, str(day), "strong" if is_sunday else "soft", "middle"))
    return [*marks, _text(x(3 * INTERVAL + 1) - 14, 76, "day", "soft")]


def _job(day: int, y: int, kind: str) -> str:
    size, name = (36, "full") if kind == "F" else (28, "incremental")
    left, top = x(day) - (18 if kind == "F" else 14), y + (36 - size) / 2
    label = _text(x(day), y + 24, kind, "on-full" if kind == "F" else "", "middle")
    return f'<rect class="{name}" x="{left}" y="{top}" width="{size}" height="{size}" rx="5"/>{label}'


def _span(first: int, last: int, y: int, name: str) -> str:
    ends = "".join(f"M{x(day)} {y - 6}v12" for day in (first, last))
    return f'<path class="{name}" fill="none" stroke-width="3" d="M{x(first)} {y}H{x(last)}{ends}"/>'


def _text(left: float, y: float, words: str, name: str = "", anchor: str = "start") -> str:
    return f'<text x="{left}" y="{y}" class="{name}" text-anchor="{anchor}">{words}</text>'


if __name__ == "__main__":
    FILE.write_text(draw(), encoding="utf-8")
