"""Draws dashboards with Grafana's own panels in a headless Chromium, from a live Prometheus, into PNG files.

    npm ci --ignore-scripts && node build.mjs
    python preview.py --prometheus http://127.0.0.1:9090 --out pictures [UID ...]
    python preview.py --story --out ../../docs/images/boards [UID ...]    # those of the documentation

Prints which panels are empty and which failed; exits 1 if any failed.
"""

from __future__ import annotations

import argparse
import json
import re
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from PIL import Image
from story import DAYS, story

HERE = Path(__file__).parent
BOARDS = HERE.parent / "dashboards"
SETTLE_S = 600
# What the story is best seen with, where that is not the default of a board.
STORY: dict[str, dict[str, Any]] = {
    "ebbtide-executive": {"days": DAYS},
    # What the exporter says of itself has no past.
    "ebbtide-exporter": {"days": 1 / 96},
    "ebbtide-cv-cycles": {"var": ["whatif_days=7"]},
    "ebbtide-cv-plan": {"var": ["source=cs01", "plan=Silver"]},
    "ebbtide-pool": {"var": ["source=cs01", "pool=Apex GDP"]},
    "ebbtide-troubleshoot": {"var": ["source=cs01", "pool=Apex GDP"]},
    "ebbtide-scans": {"var": ["size=apparent"]},
}
_ROW, _GAP, _HEADING = 38, 8, 60
# In what Chromium prints of its console.
_TOLD = re.compile(r'"PREVIEW (failed: .*|empty: .*|drawn)", source:')


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("uids", nargs="*", metavar="UID", help="boards; default: all")
    parser.add_argument("--prometheus", metavar="URL")
    parser.add_argument(
        "--story", action="store_true",
        help="as in the documentation: the demo's estate after a made-up past; with --prometheus, story.py runs there",
    )  # fmt: skip
    parser.add_argument("--out", type=Path, required=True, metavar="FOLDER")
    parser.add_argument("--width", type=int, default=1600, help="pixels; 390 is a phone")
    parser.add_argument("--theme", choices=("dark", "light"), default="dark")
    parser.add_argument("--days", type=float, help="time range back from now; default: the board's own")
    parser.add_argument("--var", action="append", default=[], metavar="NAME=VALUE", help="a variable; default: All")
    given = parser.parse_args()
    if not (given.prometheus or given.story):
        parser.error("--prometheus or --story says where the numbers come from")
    if not (HERE / "dist/main.js").exists():
        parser.error("not built: npm ci --ignore-scripts && node build.mjs")
    chromium = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if not chromium:
        parser.error("Chromium is not installed")
    files = {file.stem: file for file in sorted(BOARDS.glob("*/*.json"))}
    if unknown := [uid for uid in given.uids if uid not in files]:
        parser.error(f"no such board: {', '.join(unknown)}")
    given.out.mkdir(parents=True, exist_ok=True)
    failed = False
    with ExitStack() as stack:
        root = stack.enter_context(_served())
        if not given.prometheus:
            given.prometheus = stack.enter_context(story(SETTLE_S))
        for uid in given.uids or files:
            chosen = STORY.get(uid, {}) if given.story else {}
            told = draw(chromium, root, files[uid], argparse.Namespace(**vars(given) | chosen))
            shrink(given.out / f"{uid}.png")
            print(f"{uid}: {'drawn' if 'drawn' in told else 'NOT DRAWN'}", *told[:-1], sep="\n    ", flush=True)
            failed = failed or "drawn" not in told or any(line.startswith("failed") for line in told)
    return int(failed)


def draw(chromium: str, root: str, file: Path, given: argparse.Namespace) -> list[str]:
    """Write the picture of a board; what the page told of it."""
    board = json.loads(file.read_text())
    end = int(time.time())
    asked = {
        "board": f"{root}/dashboards/{file.relative_to(BOARDS)}",
        "prometheus": given.prometheus.rstrip("/"),
        "start": end - int(86400 * (given.days or _days(board))),
        "end": end,
        "width": given.width,
        "theme": given.theme,
        **{f"var-{name}": value for name, _, value in (one.partition("=") for one in given.var)},
    }
    with tempfile.TemporaryDirectory() as profile:
        command = [
            chromium, "--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--hide-scrollbars",
            "--disable-background-networking", "--enable-logging=stderr", f"--user-data-dir={profile}",
            f"--window-size={given.width},{height(board, given.width)}", "--virtual-time-budget=30000",
            f"--screenshot={given.out / file.stem}.png", f"{root}/preview/dist/index.html?{urlencode(asked)}",
        ]  # fmt: skip
        ran = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    return _TOLD.findall(ran.stderr) or ["failed: the page did not load", ran.stderr[-500:]]


def shrink(file: Path) -> None:
    """Rewrite the picture with 256 colours, the rare ones too: they have a meaning."""
    if file.exists():
        Image.open(file).convert("RGB").quantize(256, Image.Quantize.MAXCOVERAGE, dither=Image.Dither.NONE).save(
            file, optimize=True
        )


def height(board: dict[str, Any], width: int) -> int:
    places = [panel["gridPos"] for panel in board["panels"]]
    rows = sum(p["h"] for p in places) if width < 785 else max(p["y"] + p["h"] for p in places)
    return rows * _ROW + _HEADING + _GAP


def _days(board: dict[str, Any]) -> float:
    number, unit = re.fullmatch(r"now-(\d+)([hdy])", board["time"]["from"]).groups()  # type: ignore[union-attr]
    return int(number) * {"h": 1 / 24, "d": 1.0, "y": 365.0}[unit]


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        """Prints nothing."""


@contextmanager
def _served() -> Iterator[str]:
    """The folder grafana/ on a free port of loopback."""
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(_Quiet, directory=str(HERE.parent))) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


if __name__ == "__main__":
    sys.exit(main())
