"""Numbers by which forecasts are compared: one row of scores for one answer, and their summary over many."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from benchmarks.forecast.case import Case

DAY = 86400.0
HORIZON_D = 365.0
Row = dict[str, float]


def score(case: Case, answer: Mapping[str, Any], ms: float) -> Row:
    """Scores of one answer; NaN where a score does not apply."""
    row: Row = {"ms": ms}
    p50, truth = np.asarray(answer["p50"]), case.future_close
    n = min(p50.size, truth.size)
    error = np.abs(p50[:n] - truth[:n])
    change = _daily_change(case)
    for h in (7, 30, 90):
        if n >= h and change > 0:
            row[f"mase{h}"] = float(error[:h].mean()) / change
    if n >= 30:
        both = np.abs(p50[:30]) + np.abs(truth[:30])
        row["smape30"] = 100 * float(np.mean(2 * error[:30] / np.where(both > 0, both, 1.0)))
    for level in (80, 95):
        if f"lo{level}" in answer:
            low, high = np.asarray(answer[f"lo{level}"]), np.asarray(answer[f"hi{level}"])
            for h in (30, 90):
                if n >= h:
                    row[f"cover{level}_{h}"] = float(low[h - 1] <= truth[h - 1] <= high[h - 1])
                    row[f"low{level}_{h}"] = float(truth[h - 1] < low[h - 1])
    if "lo80" in answer and n >= 30 and change > 0:
        low, high, y = answer["lo80"][29], answer["hi80"][29], truth[29]
        row["winkler30"] = float(high - low + 10 * (max(low - y, 0) + max(y - high, 0))) / change
    row |= _dates(case, answer)
    if "anomalies" in answer:
        said, true = np.asarray(answer["anomalies"]), case.outliers
        row |= {"hits": float((said & true).sum()), "said": float(said.sum()), "true": float(true.sum())}
    if "season_period_s" in answer:
        period = float(answer["season_period_s"]) / DAY
        if case.season_days:
            near = abs(period - case.season_days) <= (2 if case.season_days > 20 else 0)
            row["season_found"] = float(near)
        elif case.shape == "flat":
            row["season_false"] = float(period > 0)
    if "regime_start_s" in answer and case.regime_days:
        ago = (float(np.nanmax(case.t)) - float(answer["regime_start_s"])) / DAY
        row["regime"] = float(abs(ago - case.regime_days) <= max(4.0, 0.25 * case.regime_days))
    return row


def _daily_change(case: Case) -> float:
    good = np.isfinite(case.used) & (case.used > 0) & ~case.outliers
    t, first = np.unique(case.t[good], return_index=True)
    y = case.used[good][first]
    x = np.arange(t[-1], t[0] - 1, -DAY)[::-1]
    return float(np.abs(np.diff(np.interp(x, t, y))).mean())


def _dates(case: Case, answer: Mapping[str, Any]) -> Row:
    true = case.full_after_days
    fills = true <= HORIZON_D
    p10, p50, p90 = (float(answer[f"ttf_{p}_s"]) / DAY for p in ("p10", "p50", "p90"))
    stated = not math.isnan(p50)
    p50 = p50 if stated else math.inf
    p10 = math.inf if math.isnan(p10) else p10
    row: Row = {
        "soon": float(true <= 14), "soon_p50": float(p50 <= 14), "soon_p10": float(p10 <= 14),
    }  # fmt: skip
    if fills:
        if stated:
            row["ttf"] = abs(min(p50, HORIZON_D) - true) / true
        row["ttf_cover"] = float(p10 <= true <= p90)
    else:
        row["false_date"] = float(p50 <= HORIZON_D)
    return row


def summary(rows: Sequence[Row]) -> Row:
    """Means, medians and ratios over rows."""

    def column(name: str) -> np.ndarray[Any, Any]:
        return np.array([row[name] for row in rows if name in row and not math.isnan(row[name])])

    def mean(name: str) -> float:
        return float(column(name).mean()) if column(name).size else math.nan

    out = {name: mean(name) for name in (
        "mase7", "mase30", "mase90", "smape30", "cover80_30", "cover80_90", "cover95_30", "cover95_90", "winkler30",
        "low80_30", "low80_90", "ttf_cover", "false_date", "season_found", "season_false", "regime",
    )}  # fmt: skip
    ttf = column("ttf")
    out["ttf_median"], out["ttf_p90"] = (
        (float(np.median(ttf)), float(np.quantile(ttf, 0.9))) if ttf.size else (math.nan, math.nan)
    )
    for name in ("p50", "p10"):
        true, said = column("soon") > 0, column(f"soon_{name}") > 0
        hits = float((true & said).sum())
        precision, recall = hits / max(1.0, said.sum()), hits / max(1.0, true.sum())
        out |= {f"precision_{name}": precision, f"recall_{name}": recall}
        out[f"f1_{name}"] = 2 * precision * recall / max(1e-9, precision + recall)
    said, true = column("said").sum(), column("true").sum()
    out["outlier_precision"] = column("hits").sum() / said if said else math.nan
    out["outlier_recall"] = column("hits").sum() / true if true else math.nan
    out["ms"] = float(np.median(column("ms")))
    return out
