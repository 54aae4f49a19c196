"""The boards as they are shipped."""

from __future__ import annotations

import json
from typing import Any

from tests.promql import ROOT

Json = dict[str, Any]

GRAFANA = ROOT / "grafana"
FILES = sorted((GRAFANA / "dashboards").glob("*/*.json"))
BOARDS: list[Json] = [json.loads(file.read_text()) for file in FILES]


def panels(board: Json) -> list[Json]:
    return [panel for panel in board["panels"] if panel["type"] != "row"]
